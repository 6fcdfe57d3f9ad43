import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { fileSource } from '../../src/app/byte-source.ts'
import { exportedTree } from '../../src/app/exported-tree.ts'
import { measuring } from '../../src/app/measuring.ts'
import { readAll } from '../../src/demo/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type Measure, type SourceFacts, startMaterializer } from '../../src/materialize/index.ts'
import { openAccount } from '../../src/provider/index.ts'
import { FakeProvider, movie } from '../catalog/lib/fake-provider.ts'
import { libraries, measureAll, open } from '../catalog/lib/open-catalog.ts'
import { type ByteSourceSubject, byteSourceContract } from '../contracts/byte-source.ts'
import { fileTreeContract, type TreeUnderTest } from '../contracts/file-tree.ts'
import { startDemo } from '../lib/demo.ts'
import { FakeSource, testBytes } from '../lib/fake-source.ts'

t.test('an account as a byte source', async t => {
  byteSourceContract(t, async (): Promise<ByteSourceSubject> => {
    const demo = await startDemo()
    const account = openAccount(
      { id: 'demo', type: 'xtream', hosts: [demo.url], ...demo.credentials, userAgent: 'reelport', maxConnections: 2 },
      { log: silentLog },
    )
    const [film] = [...demo.catalogue.movies()].filter(({ media }) => media.bytes > 2 ** 20)
    const accounts = new Map([['demo', account]])
    const measure = measuring(accounts, { hls: 'instant', mpegTs: 'made' }) as Measure<{ readonly facts: SourceFacts }>
    return {
      source: { ...fileSource(accounts), measure: async (ref, signal) => (await measure(ref, signal)).facts },
      ref: { id: 1, accountId: 'demo', locator: `movie/${film!.id}.${film!.extension}` },
      bytes: await readAll(film!.media),
      missing: { id: 2, accountId: 'demo', locator: 'movie/999999.mkv' },
      connections: () => demo.connections.current,
      async [Symbol.asyncDispose]() {
        await account[Symbol.asyncDispose]()
        await demo[Symbol.asyncDispose]()
      },
    }
  })
})

t.test('a catalogue and a materializer as a file tree', async t => {
  fileTreeContract(t, () => exported(t))
})

/** Six films in a library, a seventh that comes when asked for, and films that go by a change of the library's filter. */
async function exported(t: Test): Promise<TreeUnderTest> {
  const directory = t.testdir()
  const opened = open(directory)
  const { catalog, writer } = opened
  const names = ['One', 'Two', 'Three', 'Four', 'Five', 'Six'].map(name => `${name} (2001)`)
  const provider = new FakeProvider()
  provider.answers = { movies: names.map((name, at) => movie(String(at + 1), name)) }
  const { signal } = new AbortController()
  await writer.sync(provider, { signal })
  const bytesOf = (locator: string) => testBytes(100_000 + seedOf(locator), seedOf(locator))
  const source = new FakeSource()
  measureAll(opened, 'one', locator => {
    source.files.set(locator, { bytes: bytesOf(locator) })
    return { size: bytesOf(locator).length }
  })
  provider.answers = { movies: [...names, 'Seven (2002)'].map((name, at) => movie(String(at + 1), name)) }
  await writer.sync(provider, { signal })

  const materializer = await startMaterializer(
    { directory: `${directory}/cache`, budgetBytes: 2 ** 30 },
    { source, log: silentLog, onChanged() {} },
  )
  t.teardown(async () => {
    await materializer[Symbol.asyncDispose]()
    opened[Symbol.dispose]()
  })
  const movies = catalog.child(catalog.root, 'Movies')!
  const gone: string[] = []
  return {
    tree: exportedTree({ catalog, materializer, attachments: { read: noAttachments } }),
    files: Object.fromEntries(names.map((name, at) => [`/Movies/${name}/${name}.mkv`, bytesOf(`movie/${at + 1}.mkv`)])),
    directory: movies.id,
    addEntry: () => void measureAll(opened),
    removeEntry(name) {
      gone.push(name.replace(/ \(.*/, ''))
      const filter = { exclude: `^(${gone.join('|')}) ` }
      writer.setLibraries(libraries.map(library => ({ ...library, filter })))
    },
  }
}

const noAttachments = () => Promise.reject(new Error('There are none here'))

const seedOf = (locator: string) => createHash('sha256').update(locator).digest().readUInt16BE()
