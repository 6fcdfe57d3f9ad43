import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { backUp } from '../../src/app/backup.ts'
import { lockInstance } from '../../src/app/instance.ts'
import { fill, type KeptState, stateOf } from './lib/kept-state.ts'

/** A restore is killed before each of its steps in turn. Then there is the old state or the new one, whole. */

const signal = new AbortController().signal
const script = join(import.meta.dirname, 'lib/restore-until-call.ts')

/** What each of two directories says. */
const says = (word: string, withToken: boolean): KeptState => ({
  ...{ 'catalog.sqlite': word, 'lineup.sqlite': word, 'queue.sqlite': word, 'plex.json': word },
  'plex.token': withToken ? word : undefined,
})

t.test('a restore that is killed anywhere has happened or has not', async t => {
  const directory = t.testdir()
  const [source, old, data] = ['source', 'old', 'data'].map(name => join(directory, name)) as [string, string, string]
  {
    using _ = await fill(source, 'New', { withToken: false })
  }
  const file = join(directory, 'backup.tar.gz')
  await backUp({ directory: source, target: file, version: '1', replace: false, signal })
  using _ = await fill(old, 'Old') // left open, so that the newest rows are in the logs beside the databases
  t.ok(existsSync(join(old, 'catalog.sqlite-wal')))

  const seen = new Set<string>()
  let total = 0
  for (let call = 1; total === 0; call++) {
    rmSync(data, { recursive: true, force: true })
    cpSync(old, data, { recursive: true })
    const args = ['--conditions=@nfs/source', script, file, data, String(call)]
    const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
    if (run.signal === null) {
      t.equal(run.status, 0, run.stderr)
      total = Number(run.stdout)
    } else t.equal(run.signal, 'SIGKILL', run.stderr)
    lockInstance(data)[Symbol.dispose]() // a server that starts
    const state = stateOf(data)
    const isNew = state['plex.json'] === 'New'
    seen.add(state['plex.json'])
    t.same(state, isNew ? says('New', false) : says('Old', true), `killed before call ${call}`)
    for (const name of ['.restoring', '.restored']) t.notOk(existsSync(join(data, name)), `no ${name} is left`)
  }
  t.same([...seen], ['Old', 'New'], 'old before some call, new from then on')
  t.ok(total > 15, `${total} calls`)
})
