import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { type MeasuredFacts, openCatalog, type ProviderSnapshot } from '../../src/catalog/index.ts'
import type { Config } from '../../src/config/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type ByteSource, startMaterializer } from '../../src/materialize/index.ts'
import { catalogPath, fillCatalogue, nodesOf } from './catalogue.ts'

const films = 50_000
const chunkBytes = 2 ** 20
/** The one film that has bytes. */
const realFilm = { key: '0', name: 'The Gibibyte', year: 2000, bytes: 2 ** 30 }

export interface Films {
  /** The directory that a server of directories exports. */
  readonly peer: string
  /** The film that has bytes, below either server's root. */
  readonly realPath: string
}

/**
 * 50,000 films without a provider: a catalogue and a filled cache for our server, and the same names and sizes as a
 * directory for its peer, all sparse but one of 1 GiB. Made once; `directory` tells when it is complete.
 */
export async function prepareFilms(directory: string, config: Config): Promise<Films> {
  const peer = join(directory, 'peer')
  const complete = join(directory, 'complete')
  const made = existsSync(complete)
  if (!made) {
    for (const path of [config.data, peer]) rmSync(path, { recursive: true, force: true })
    await fillCatalogue(config, filmSnapshot(config.accounts[0]!.id), factsOf)
  }
  using catalog = openCatalog(catalogPath(config))
  let real: { readonly path: string; readonly renditionId: number } | undefined
  for (const [path, { kind, size, renditionId }] of nodesOf(catalog)) {
    if (kind === 'file' && path.includes(realFilm.name)) real = { path, renditionId: renditionId! }
    if (made) continue
    if (kind === 'directory') mkdirSync(join(peer, path), { recursive: true })
    else makeSparse(join(peer, path), size)
  }
  if (real === undefined) throw new Error(`The catalogue lacks ${realFilm.name}: delete ${directory}`)
  const realPath = join(peer, real.path)
  if (!made) {
    fillWithNoise(realPath)
    await fillCache(config, catalog.rendition(real.renditionId)!, realPath)
    closeSync(openSync(complete, 'w'))
  }
  readThrough(realPath)
  return { peer, realPath: real.path.slice(1) }
}

/** The films as a provider would list them. */
function filmSnapshot(accountId: string): ProviderSnapshot {
  return {
    accountId,
    sections: ['movies'],
    async *read() {
      yield { type: 'movie', ...realFilm, categoryKeys: [], playable: { locator: 'movie/0.mkv', extension: 'mkv' } }
      for (let at = 1; at < films; at++) {
        const name = `A Film of Middling Length ${String(at).padStart(5, '0')}`
        const playable = { locator: `movie/${at}.mkv`, extension: 'mkv' }
        yield { type: 'movie', key: String(at), name, year: 1950 + (at % 75), categoryKeys: [], playable }
      }
    },
    episodes: async () => [],
  }
}

function factsOf(locator: string): MeasuredFacts {
  const key = Number(/\d+/.exec(locator)![0])
  return { size: key === 0 ? realFilm.bytes : 700e6 + key * 4_099, container: 'mkv', ranged: true }
}

function makeSparse(path: string, size: number): void {
  const file = openSync(path, 'w')
  ftruncateSync(file, size)
  closeSync(file)
}

/** Bytes that no file system can keep as a hole or compress; each MiB is another. */
function fillWithNoise(path: string): void {
  const noise = Uint32Array.from({ length: chunkBytes / 4 }, (_, at) => Math.imul(at + 1, 0x9e3779b1))
  const file = openSync(path, 'w')
  for (let at = 0; at < realFilm.bytes; at += chunkBytes) {
    noise[0] = at
    writeSync(file, noise)
  }
  closeSync(file)
}

/** Reads the whole film as a player would, through the cache, from a source that is the local file. */
async function fillCache(
  config: Config,
  rendition: Parameters<Awaited<ReturnType<typeof startMaterializer>>['read']>[0],
  path: string,
): Promise<void> {
  await using materializer = await startMaterializer(config.cache, {
    source: localSource(path),
    log: silentLog,
    onChanged() {
      throw new Error(`${path} has changed while it was read`)
    },
  })
  const target = Buffer.alloc(chunkBytes)
  for (let at = 0; at < rendition.size; at += chunkBytes) {
    await materializer.read(rendition, target, at, new AbortController().signal)
  }
  await materializer.settle()
}

function localSource(path: string): ByteSource {
  return {
    async open(_ref, { from, to = realFilm.bytes }) {
      const file = await open(path)
      return {
        size: realFilm.bytes,
        offset: from,
        chunks: file.createReadStream({ start: from, end: to - 1, autoClose: false, highWaterMark: chunkBytes }),
        [Symbol.asyncDispose]: () => file.close(),
      }
    },
  }
}

/** Into the page cache: what is measured is the server, not the disk. */
function readThrough(path: string): void {
  const file = openSync(path, 'r')
  const buffer = Buffer.allocUnsafe(chunkBytes)
  while (readSync(file, buffer) > 0);
  closeSync(file)
}
