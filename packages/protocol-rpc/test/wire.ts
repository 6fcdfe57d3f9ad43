import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Captured {
  /** Such as `nfs3-lookup-failed`. */
  readonly name: string
  readonly kind: 'call' | 'reply'
  readonly bytes: Buffer
}

/** Messages that other people's programs have sent; the files say whose. */
export function captured(): readonly Captured[] {
  return ['linux-6.1-ganesha-4.3.txt', 'rpcinfo-rpcbind-1.2.txt'].flatMap(file =>
    readFileSync(join(import.meta.dirname, 'wire', file), 'utf8')
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => {
        const [name, kind, hex] = line.split(' ') as [string, 'call' | 'reply', string]
        return { name, kind, bytes: Buffer.from(hex, 'hex') }
      }),
  )
}
