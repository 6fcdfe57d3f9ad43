import { silentLog } from '../../src/lib/log.ts'
import { startMaterializer } from '../../src/materialize/index.ts'
import { FakeSource, testBytes } from './fake-source.ts'

/** What the crash test and the process that it kills agree on. */
export const crashFiles = [1, 2, 3].map(id => ({ id, bytes: testBytes(9 * 2 ** 20 + id, id), etag: `"${id}"` }))
export const crashBudgetBytes = 16 * 2 ** 20

export function crashSource(): FakeSource {
  const source = new FakeSource()
  for (const { id, bytes, etag } of crashFiles) source.files.set(`${id}`, { bytes, etag })
  return source
}

export const crashRenditions = crashFiles.map(({ id, bytes, etag }) => {
  return { id, accountId: 'a', locator: `${id}`, size: bytes.length, ranged: true, etag }
})

/** Reads, records and evicts as fast as it can, until killed. Prints a line when it has begun. */
async function materializeUntilKilled(directory: string): Promise<never> {
  const materializer = await startMaterializer(
    { directory, budgetBytes: crashBudgetBytes, protectMs: 0 },
    { source: crashSource(), log: silentLog, onChanged: () => process.exit(3) },
  )
  process.stdout.write('begun\n')
  const signal = new AbortController().signal
  const reader = async (): Promise<never> => {
    for (;;) {
      const rendition = crashRenditions[Math.floor(Math.random() * crashRenditions.length)]!
      let from = Math.floor(Math.random() * rendition.size)
      for (let pieces = Math.floor(Math.random() * 20); pieces >= 0 && from < rendition.size; pieces--) {
        const target = Buffer.alloc(Math.min(rendition.size - from, 300_000))
        await materializer.read(rendition, target, from, signal)
        from += target.length
      }
    }
  }
  const recorder = async (): Promise<never> => {
    for (;;) {
      await materializer.settle()
      await new Promise(resolve => setTimeout(resolve, Math.random() * 20))
    }
  }
  return Promise.race([reader(), reader(), recorder()])
}

if (import.meta.main) await materializeUntilKilled(process.argv[2]!)
