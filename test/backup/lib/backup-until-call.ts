/**
 * A process that makes a backup, and before its n-th call that changes files is killed (`kill`), or waits until something
 * comes from its standard input (`wait`): killed.test.ts starts it.
 */
import { once } from 'node:events'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [directory = '', target = '', last = '', then = ''] = process.argv.slice(2)
let calls = 0
for (const name of ['mkdtemp', 'copyFile', 'writeFile', 'rename', 'rm'] as const) {
  const call = fs.promises[name] as (...args: unknown[]) => Promise<unknown>
  const counted = async (...args: unknown[]) => {
    if (++calls === Number(last)) {
      if (then === 'kill') process.kill(process.pid, 'SIGKILL')
      process.stdout.write('waiting\n')
      await once(process.stdin, 'data')
      process.stdin.destroy()
    }
    return await call(...args)
  }
  Object.assign(fs.promises, { [name]: counted })
}
syncBuiltinESMExports()

const { backUp } = await import('../../../src/app/backup.ts')
await backUp({ directory, target, version: '1', replace: true, signal: new AbortController().signal })
