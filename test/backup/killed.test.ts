import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { backUp, checkBackup } from '../../src/app/backup.ts'
import { fill } from './lib/kept-state.ts'

/** What a backup that was killed leaves beside its target, and what the next one makes of it. */

const signal = new AbortController().signal
const script = join(import.meta.dirname, 'lib/backup-until-call.ts')

async function filled(t: Test) {
  const directory = t.testdir()
  const data = join(directory, 'data')
  const open = await fill(data, 'Kept')
  t.teardown(() => open[Symbol.dispose]())
  const there = join(directory, 'backups')
  mkdirSync(there)
  /** Another process. */
  const start = (name: string, call: number, then: 'kill' | 'wait'): ChildProcess => {
    const args = ['--conditions=@nfs/source', script, data, join(there, name), String(call), then]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  return {
    ...{ there, start },
    make: (name: string) => backUp({ directory: data, target: join(there, name), version: '1', replace: true, signal }),
    left: () => readdirSync(there).filter(name => name.startsWith('.')),
  }
}

t.test('whatever a killed backup leaves is removed by the next one', async t => {
  const { there, start, make, left } = await filled(t)
  let mostLeft = 0
  let ended: unknown = 'SIGKILL'
  for (let call = 2; ended === 'SIGKILL'; call++) {
    const child = start('mine.tar.gz', call, 'kill')
    const [code, by] = await once(child, 'exit')
    ended = by
    if (ended !== 'SIGKILL') t.equal(code, 0)
    mostLeft = Math.max(mostLeft, left().length)
    await make('next.tar.gz')
    t.same(left(), [], `killed before call ${call}`)
  }
  t.equal(mostLeft, 1)
  await checkBackup({ file: join(there, 'mine.tar.gz'), signal })
})

t.test('one that is at work is left alone', async t => {
  const { there, start, make, left } = await filled(t)
  const child = start('first.tar.gz', 4, 'wait')
  await once(child.stdout!, 'data')
  const atWork = left()
  t.equal(atWork.length, 1)
  await make('second.tar.gz')
  t.same(left(), atWork)
  child.stdin!.write('go on\n')
  t.same(await once(child, 'exit'), [0, null])
  t.same(left(), [])
  for (const name of ['first', 'second']) await checkBackup({ file: join(there, `${name}.tar.gz`), signal })
})

t.test('what only looks like it is not touched', async t => {
  const { there, make, left } = await filled(t)
  const precious = join(there, '../precious')
  mkdirSync(precious)
  writeFileSync(join(precious, 'file'), 'precious')
  symlinkSync(precious, join(there, '.reelport-backup-link'))
  writeFileSync(join(there, '.reelport-backup-file'), 'a file')
  await make('mine.tar.gz')
  t.same(left().sort(), ['.reelport-backup-file', '.reelport-backup-link'])
  t.same(readdirSync(precious), ['file'])
})

t.test('an empty one is left to the process that may just have made it, for an hour', async t => {
  const { there, make, left } = await filled(t)
  const empty = join(there, '.reelport-backup-empty')
  mkdirSync(empty)
  await make('mine.tar.gz')
  t.equal(left().length, 1)
  utimesSync(empty, Date.now() / 1000, Date.now() / 1000 - 3_601)
  await make('mine.tar.gz')
  t.same(left(), [])
})
