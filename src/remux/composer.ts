import { LRUCache } from 'lru-cache'
import { decodeFindings, type Findings, noFindings } from './findings.ts'
import { Flights } from './flights.ts'
import type { SampleCount } from './inspect.ts'
import { headerPart, InstantTitle, type InstantTitleHost } from './instant-title.ts'
import { decodeLayout } from './layout-codec.ts'
import { PackingError } from './packing.ts'
import { PieceReader } from './piece-reader.ts'
import type { SegmentSource, SessionOptions, TitleRef } from './ports.ts'
import { RemuxThreads } from './remux-threads.ts'

export interface ComposerDeps {
  readonly source: SegmentSource
  /** Something was found that has to be kept beside the layout: the title's findings from now on. */
  onFound(id: number, findings: Uint8Array): void
}

export interface ComposerOptions {
  /** Memory for parts that were made lately. Default 48 MiB. */
  readonly cacheBytes?: number
  /** Threads that remux. Default 1. */
  readonly threads?: number
}

/** A file that is made from the segments of an HLS title while it is read. */
export interface InstantFile extends TitleRef {
  /** Of this file and no other. */
  readonly id: number
  /** From `encodeLayout`. */
  readonly layout: Uint8Array
  /** What `onFound` reported last. */
  readonly findings?: Uint8Array | undefined
}

export interface ByteRange {
  readonly from: number
  /** Exclusive; the end of the file when left out. */
  readonly to?: number | undefined
}

/** Bytes of a file, in order. Disposing of it, at any moment, ends its requests and frees its connection. */
export interface Body extends AsyncDisposable {
  /** Of the whole file. */
  readonly size: number
  /** Of the first byte. */
  readonly offset: number
  /** To be read once. Chunks are not to be changed. Throws RemuxError, and the source's errors as they are. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Told true while the reader could do without the connection for now, so that an equal may take its slot; false when not. */
  yieldable(value: boolean): void
}

export interface Composer extends AsyncDisposable {
  /** Connects when the first byte has to be made, not before. @throws PackingError when the layout cannot be read. */
  open(file: InstantFile, range: ByteRange, options: SessionOptions): Promise<Body>
  /** `countSamples`, off this thread. @throws RemuxError */
  count(segment: Uint8Array, map?: Uint8Array): Promise<readonly SampleCount[]>
}

const defaultCacheBytes = 48 * 2 ** 20
/** Titles of which it is remembered what was found, beside those that are being read. */
const maxTitles = 256
/** A reader that stops early has been given no more than this. */
const chunkBytes = 256 * 1024

export function openComposer(deps: ComposerDeps, options: ComposerOptions = {}): Composer {
  return new CachingComposer(deps, options)
}

class CachingComposer implements Composer {
  readonly #deps: ComposerDeps
  readonly #threads: RemuxThreads
  readonly #parts: LRUCache<string, Uint8Array>
  readonly #titles = new LRUCache<number, InstantTitle>({ max: maxTitles })
  readonly #host: InstantTitleHost
  #serial = 0

  constructor(deps: ComposerDeps, { cacheBytes = defaultCacheBytes, threads = 1 }: ComposerOptions) {
    this.#deps = deps
    this.#threads = new RemuxThreads(threads)
    this.#parts = new LRUCache({ maxSize: cacheBytes, sizeCalculation: ({ length }) => length })
    this.#host = {
      flights: new Flights(),
      remux: job => this.#threads.run(job),
      keep: ({ serial }, part, bytes) => void this.#parts.set(`${serial} ${part}`, bytes),
      kept: ({ serial }, part) => this.#parts.get(`${serial} ${part}`),
      found: ({ id }, findings) => deps.onFound(id, findings),
    }
  }

  async open(file: InstantFile, range: ByteRange, { priority, signal }: SessionOptions): Promise<Body> {
    const title = this.#titleOf(file)
    const closing = new AbortController()
    const reader = new PieceReader(
      this.#deps.source,
      { accountId: file.accountId, locator: file.locator },
      title.layout,
      {
        priority,
        signal: AbortSignal.any([signal, closing.signal]),
      },
    )
    const to = Math.min(range.to ?? title.layout.size, title.layout.size)
    return {
      size: title.layout.size,
      offset: range.from,
      chunks: chunksOf(title, reader, range.from, to),
      yieldable: value => reader.yieldable(value),
      async [Symbol.asyncDispose]() {
        closing.abort()
        await reader[Symbol.asyncDispose]()
      },
    }
  }

  count(segment: Uint8Array, map?: Uint8Array): Promise<readonly SampleCount[]> {
    return this.#threads.count({ segment, map })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]()
    this.#parts.clear()
  }

  #titleOf({ id, layout, findings }: InstantFile): InstantTitle {
    const known = this.#titles.get(id)
    if (known?.isLaidOutAs(layout)) return known
    const title = new InstantTitle(
      { id, serial: ++this.#serial },
      decodeLayout(layout),
      layout,
      findingsOf(findings),
      this.#host,
    )
    this.#titles.set(id, title)
    return title
  }
}

/** What was found before; nothing when it cannot be read, since all of it can be found again. */
function findingsOf(encoded: Uint8Array | undefined): Findings {
  if (encoded === undefined) return noFindings
  try {
    return decodeFindings(encoded)
  } catch (error) {
    if (error instanceof PackingError) return noFindings
    throw error
  }
}

/** Parts under way beyond the one that is handed on: while one is remuxed, the next is fetched. */
const partsAhead = 2

/** The bytes from `from` up to `to`. While a part is handed on the next are made, as far as the range goes. */
async function* chunksOf(
  title: InstantTitle,
  reader: PieceReader,
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  const { layout } = title
  const ahead: Promise<Uint8Array>[] = []
  for (let at = from; at < to; ) {
    const part = layout.fragmentAt(at)
    const start = part === headerPart ? 0 : layout.offsets[part]!
    const end = Math.min(layout.offsets[part + 1]!, to)
    const bytes = await (ahead.shift() ?? title.part(part, reader))
    while (ahead.length < partsAhead && layout.offsets[part + 1 + ahead.length]! < to) {
      const next = title.part(part + 1 + ahead.length, reader)
      next.catch(() => {}) // awaited when it is its turn, if that comes
      ahead.push(next)
    }
    for (; at < end; at = Math.min(end, at + chunkBytes))
      yield bytes.subarray(at - start, Math.min(end, at + chunkBytes) - start)
  }
}
