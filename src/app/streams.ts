import { join } from 'node:path'
import type { Catalog } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { ByteSource, Materializer } from '../materialize/index.ts'
import type { FileId } from '../nfs/file-tree.ts'
import type { Account } from '../provider/index.ts'
import { type Candidates, type NotMade, type Queue, QueueError, startQueue } from '../queue/index.ts'
import { openComposer } from '../remux/index.ts'
import { byteSource, fileSource } from './byte-source.ts'
import type { CatalogThread } from './catalog-thread.ts'
import { type Indexing, indexing } from './indexing.ts'
import { instantSource } from './instant.ts'
import { keptFindings } from './kept-findings.ts'
import { madeSource } from './made.ts'
import { removeOldWork } from './made-work.ts'
import { fileMaker } from './maker.ts'
import { openPartials, type Partials } from './partials.ts'
import { remuxTools } from './remux-tools.ts'
import { segmentSource } from './segments.ts'

export interface StreamsOptions {
  readonly config: Config
  readonly accounts: ReadonlyMap<string, Account>
  readonly catalog: Catalog
  readonly thread: CatalogThread
  readonly log: Logger
  readonly clock: Clock
  readonly onFailed: (title: NotMade) => void
}

/** What turns the provider's streams into files: those that are composed as they are read, and those that are made. */
export interface Streams extends AsyncDisposable {
  /** Where the bytes of all files come from. */
  readonly source: ByteSource
  readonly indexing: Indexing
  /** Begins to make files, which go into the materializer. Once. */
  begin(materializer: Materializer, onChanged: (directories: readonly FileId[]) => void): Promise<Making>
}

/** The making of files. Disposing of it interrupts what is being made; what was fetched is kept. */
export interface Making extends AsyncDisposable {
  readonly queue: Queue
  readonly partials: Partials
}

/** Share of the cache's budget that files may take which policies have made; the rest is for what people read. */
const madeShare = 0.9

export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const { config, accounts, catalog, thread, log, clock, onFailed } = options
  await using stack = new AsyncDisposableStack()
  const segments = segmentSource(accounts, config.streams.maxHeight)
  const composer = stack.use(
    openComposer({
      source: segments,
      onFound: keptFindings(thread, log),
    }),
  )
  const lengths = indexing(
    segments,
    { lengthsPerSecond: config.streams.lengthsPerSecond, concurrency: config.measure.concurrency },
    clock,
  )
  let queue: Queue | undefined
  const source = byteSource(accounts, catalog, {
    instant: instantSource({ catalog, thread, composer, indexing: lengths, log: log.child({ part: 'remux' }) }),
    made: madeSource({
      async want(...ask) {
        if (queue === undefined) throw new QueueError('closing', 'Nothing can be made yet')
        await queue.want(...ask)
      },
    }),
  })
  const running = stack.move()
  return {
    source,
    indexing: lengths,
    async begin(materializer, onChanged) {
      const directory = join(config.cache.directory, 'making')
      const partials = openPartials(directory, catalog.root, clock, onChanged)
      const ports = { segments, bytes: fileSource(accounts), remux: remuxTools(config.media, composer) }
      const part = log.child({ part: 'queue' })
      await removeOldWork(directory, catalog)
      queue = startQueue(
        { ...config.queue, libraries: config.libraries, path: join(config.data, 'queue.sqlite') },
        {
          candidates: candidatesOf(catalog),
          maker: fileMaker({ catalog, thread, materializer, ports, directory, partials, log: part }),
          budget: { room: () => config.cache.budgetBytes * madeShare - materializer.stats().bytesCostly },
          log: part,
          clock,
          onFailed,
        },
      )
      return { queue, partials, [Symbol.asyncDispose]: () => queue![Symbol.asyncDispose]() }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function candidatesOf(catalog: Catalog): Candidates {
  return {
    next: (limit, after) => catalog.toMake(limit, after),
    describe: variantId => catalog.describe(variantId),
  }
}
