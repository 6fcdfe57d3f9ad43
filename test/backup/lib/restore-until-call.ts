/** A process that restores a backup and is killed before its n-th call that changes the file system: crash.test.ts starts it. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [file = '', directory = '', last = ''] = process.argv.slice(2)
let calls = 0
/** Before it is made, and with it everything that its moment in the restore stands for. */
function counted<Call extends (...args: never[]) => unknown>(call: Call): Call {
  return ((...args: never[]) => {
    if (++calls >= Number(last)) process.kill(process.pid, 'SIGKILL')
    return call(...args)
  }) as Call
}
for (const name of ['mkdirSync', 'renameSync', 'rmSync', 'fsyncSync', 'writeFileSync'] as const) {
  Object.assign(fs, { [name]: counted(fs[name] as never) })
}
Object.assign(fs.promises, { open: counted(fs.promises.open as never) })
syncBuiltinESMExports()

const { restore } = await import('../../../src/app/backup.ts')
await restore({ file, directory, replace: true, signal: new AbortController().signal })
process.stdout.write(`${calls}\n`)
