import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { openCatalog } from '../../src/catalog/index.ts'
import { checkCatalog } from './lib/check-catalog.ts'
import { open, paths } from './lib/open-catalog.ts'

/** Kills the writer as soon as it has said `after` times that it did something. */
async function runAndKill(directory: string, seed: number, after: number): Promise<void> {
  const script = join(import.meta.dirname, 'lib/crashing-writer.ts')
  const child = spawn(process.execPath, ['--conditions=@nfs/source', script, directory, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = 0
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.length
    if (said >= after) child.kill('SIGKILL')
  })
  const [code, killed] = await once(child, 'exit')
  if (killed !== 'SIGKILL') throw new Error(`The writer ended by itself: ${code}`)
}

t.test('kill -9 at any moment leaves a consistent catalogue in which no id stands for anything else', async t => {
  const directory = t.testdir()
  const path = join(directory, 'catalog.sqlite')
  const given = new Map<number, string>()
  for (const [seed, after] of [1, 9, 27, 40, 64, 90].entries()) {
    await runAndKill(directory, seed, after)
    if (seed % 2 === 0) open(directory)[Symbol.dispose]() // a writer that only starts and stops
    checkCatalog(path)
    using catalog = openCatalog(path)
    for (const [file, id] of paths({ catalog })) {
      const { size } = catalog.node(id)!
      assert.equal(given.get(id) ?? `${file} ${size}`, `${file} ${size}`)
      given.set(id, `${file} ${size}`)
    }
  }
  t.ok(given.size > 300, `${given.size} files were seen`)
})
