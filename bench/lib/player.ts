import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface PlayerOptions {
  readonly port: number
  /** From the server's root. */
  readonly path: string
  readonly bytesPerSecond: number
  /** In each of its reads, one after the other. */
  readonly readBytes: number
}

/** Somebody who watches a film, in a process of its own. */
export interface Player extends AsyncDisposable {
  /** How long each read took since this was last asked, in milliseconds. Rejects when one has failed. */
  waits(): Promise<readonly number[]>
}

export function startPlayer(options: PlayerOptions): Player {
  const child = fork(join(import.meta.dirname, 'player-main.ts'), [JSON.stringify(options)])
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) => {
    throw new Error(`The player ended with code ${code}`)
  })
  failed.catch(() => {}) // told to who asks next
  return {
    async waits() {
      const answer = once(child, 'message')
      child.send('waits', () => {}) // one that has ended is told below
      return (await Promise.race([answer, failed]))[0] as number[]
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await exited
    },
  }
}
