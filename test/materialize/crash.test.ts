import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { startMaterializer } from '../../src/materialize/index.ts'
import { crashBudgetBytes, crashFiles, crashRenditions, crashSource } from '../lib/materialize-until-killed.ts'

const script = join(import.meta.dirname, '../lib/materialize-until-killed.ts')
const runs = Number(process.env.RUNS ?? 5)

t.setTimeout(600_000) // for many runs by hand

t.test('killed at any moment of fetching, recording and evicting, the cache holds no wrong byte', async t => {
  t.setTimeout(600_000)
  const directory = t.testdir({})
  let kept = 0
  for (let run = 0; run < runs; run++) {
    const child = spawn(process.execPath, [...process.execArgv, script, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    await new Promise(resolve => setTimeout(resolve, Math.random() * 300))
    child.kill('SIGKILL')
    t.strictSame(await exited, [null, 'SIGKILL'])

    const source = crashSource()
    await using materializer = await startMaterializer(
      { directory, budgetBytes: crashBudgetBytes, protectMs: 0 },
      { source, log: silentLog, onChanged: () => t.fail('It was taken for another version') },
    )
    kept += materializer.stats().bytesCached
    for (const [at, rendition] of crashRenditions.entries()) {
      const target = Buffer.alloc(rendition.size)
      await materializer.read(rendition, target, 0, new AbortController().signal)
      t.ok(Buffer.compare(target, crashFiles[at]!.bytes) === 0, `run ${run}, file ${rendition.id}`)
    }
  }
  t.ok(kept > 0, `${kept} bytes survived`)
})
