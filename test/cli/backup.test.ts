import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fill } from '../backup/lib/kept-state.ts'
import { reelport } from '../lib/reelport.ts'

/** The commands as people type them: what they say, and how they end. */

t.setTimeout(120_000)

t.test('backup and restore say what they did, and where', async t => {
  const directory = t.testdir()
  const data = join(directory, 'data')
  using _ = await fill(data, 'Kept')
  const run = (...args: readonly string[]) => reelport([...args, '--data', data], { cwd: directory })

  const made = await run('backup', 'mine.tar.gz')
  t.match(made, { code: 0, stderr: '' })
  t.match(made.stdout, `Backed up ${data} to ${join(directory, 'mine.tar.gz')}`)
  t.match(made.stdout, /\n {2}catalog\.sqlite {2}\d+\.\d KiB\n/)
  t.equal(statSync(join(directory, 'mine.tar.gz')).mode & 0o777, 0o600)

  t.match(await run('backup', 'mine.tar.gz'), { code: 73, stderr: /is there already: .*--force/ })
  t.match(await run('backup', 'mine.tar.gz', '--force'), { code: 0 })
  const { stdout } = await run('backup', '.', '--json')
  t.match(JSON.parse(stdout), { path: /reelport-\d+T\d+Z\.tar\.gz$/, directory: data, format: 1, files: Array })

  t.match(await run('restore', 'mine.tar.gz', '--dry-run'), { code: 0, stdout: /mine\.tar\.gz is whole/ })
  const other = ['--data', join(directory, 'other')]
  t.match(await reelport(['restore', 'mine.tar.gz', ...other], { cwd: directory }), { code: 0, stdout: /^Restored / })
  t.equal(readFileSync(join(directory, 'other/plex.json'), 'utf8'), 'Kept')
})

t.test('where only the demo was served, the demo is what is backed up', async t => {
  const directory = t.testdir()
  const data = join(directory, 'data')
  using _ = await fill(join(data, 'demo'), 'Demo')
  const run = () => reelport(['backup', 'mine.tar.gz', '--force', '--data', data], { cwd: directory })
  t.match(await run(), { code: 0, stderr: '', stdout: `Backed up ${join(data, 'demo')} to ` })
  using __ = await fill(data, 'Kept')
  t.match(await run(), { code: 0, stdout: `Backed up ${data} to ` })
})

t.test('what cannot be done is said in one line, without a stack', async t => {
  const directory = t.testdir({ 'no.tar.gz': 'This is a text' })
  const data = ['--data', join(directory, 'data')]
  const refused = async (code: number, says: RegExp, ...args: readonly string[]) => {
    const ended = await reelport([...args, ...data], { cwd: directory })
    t.match(ended, { code, stdout: '', stderr: says }, args.join(' '))
    t.equal(ended.stderr.trim().split('\n').length, 1)
  }
  await refused(64, /Write: reelport backup FILE or DIRECTORY/, 'backup')
  await refused(64, /Write: reelport restore FILE/, 'restore', 'one', 'two')
  await refused(1, /There is nothing to back up in .*--data/, 'backup', 'mine.tar.gz')
  await refused(1, /There is no file or directory .*absent\.tar\.gz/, 'restore', 'absent.tar.gz')
  await refused(1, /no\.tar\.gz is no backup, or it is damaged/, 'restore', 'no.tar.gz')
  await refused(73, /EISDIR.*see that this user may read/, 'restore', '.')
})
