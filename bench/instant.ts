/**
 * An HLS title of two hours as an instant file: how long it takes to be listed, what a probe reads of it, what a seek waits for,
 * and the rate at which it is read, against a plain HTTP client of the same segments, in turns.
 *
 *   node --conditions=@nfs/source bench/instant.ts [ROUNDS]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectRpc, type FileHandle, mount3, Nfsstat3, nfs3 } from '@nfs/protocol-rpc'
import type { TitleStatus } from '../src/catalog/index.ts'
import { findTools } from '../src/media/index.ts'
import { median, note, report } from './lib/figures.ts'
import { overHttp } from './lib/over-http.ts'
import { startProvider } from './lib/provider.ts'
import { probe, seek } from './lib/readers.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 5)
const segments = 1_200
const segmentSeconds = 6
const seconds = 5
/** Parts of the film that were read: each round takes another one. */
let partsRead = 0

const scratch = scratchDirectory('instant')
const data = join(scratch, 'data')
rmSync(data, { recursive: true, force: true })
await using provider = await startProvider({
  longTitle: { segments, seconds: segmentSeconds },
  catalogue: { films: 0 },
  directory: join(scratch, 'media'),
  maxConnections: 4,
})
await using server = await startServer(data, provider.login, { flags: { 'cache-budget': '40GiB' } })
const film = await listed()
await using client = await connectRpc({ host: '127.0.0.1', port: server.port })
const nfs = client.program(nfs3)
const file = await handleOf(film.path!)
await measureReaders()
await measureSeeks()
await measureReading('at 20 MB/s', 20e6)
await measureReading('at 50 MB/s', 50e6)
await measureReading('without a limit', undefined)

/** The film, once its lengths are known and it is in the tree. */
async function listed(): Promise<TitleStatus['streams'][number]> {
  const began = performance.now()
  for (;;) {
    const [title] = (await server.get('/api/titles?limit=1')) as readonly TitleStatus[]
    const stream = title?.streams[0]
    if (stream?.state === 'published') {
      const took = (performance.now() - began) / 1000
      const { requests, bytes } = await provider.counts()
      note(`${requests.length ?? 0} lengths asked for, 20 a second; ${bytes.segment ?? 0} bytes of segments downloaded`)
      report({ name: 'instant, two hours: listed after', unit: 's', ours: took, target: { most: 60 } })
      report({
        name: 'instant, two hours: media fetched',
        unit: 'bytes',
        ours: bytes.segment ?? 0,
        target: { most: 0 },
      })
      return stream
    }
    await delay(50)
  }
}

/** What a scanner's probe and a player's seek read, by ffmpeg's own account. */
async function measureReaders(): Promise<void> {
  const tools = await findTools()
  await using served = await overHttp(nfs, file, film.size!)
  const probed = await probe(tools.ffprobe, served.url)
  const { requests } = await provider.counts()
  note(`ffprobe sees ${probed.seconds} s and ${probed.streams} streams, and cost ${requests.segment ?? 0} segments`)
  const MB = (bytes: number) => bytes / 1e6
  report({ name: 'instant, ffprobe reads', unit: 'MB', ours: MB(probed.reads.bytes), target: { most: 3 } })
  const sought: number[] = []
  for (let at = 1; at <= rounds; at++) {
    const { reads } = await seek(tools.ffmpeg, served.url, (segments * segmentSeconds * at) / (rounds + 1))
    sought.push(reads.bytes)
  }
  const { requests: cost } = await provider.counts()
  note(`${rounds} seeks by ffmpeg cost ${cost.segment ?? 0} segments`)
  report({ name: 'instant, a seek by ffmpeg reads', unit: 'MB', ours: MB(median(sought)) })
}

/** The first byte anywhere, against the download of the segment that it is in. */
async function measureSeeks(): Promise<void> {
  const more: number[] = []
  const plain: number[] = []
  for (let round = 0; round < 4 * rounds; round++) {
    const segment = Math.floor(((round + 0.5) / (4 * rounds)) * segments)
    const offset = Math.floor((film.size! * (segment + 0.5)) / segments)
    const download = await timeOf(() => downloadSegments(segment, 1))
    const first = await timeOf(() => read(offset, 64 * 1024))
    plain.push(download)
    more.push(first - download)
  }
  note(`a segment comes by HTTP in ${median(plain).toFixed(1)} ms`)
  report({ name: 'instant, first byte of a seek: more', unit: 'ms', ours: median(more), target: { most: 100 } })
}

async function measureReading(name: string, bytesPerSecond: number | undefined): Promise<void> {
  await provider.answer(bytesPerSecond === undefined ? {} : { 'movie/129/main/*': { bytesPerSecond } })
  const ours: number[] = []
  const theirs: number[] = []
  const part = Math.floor(segments / (3 * rounds))
  const segmentBytes = film.size! / segments
  const count = Math.min(part, Math.ceil(((bytesPerSecond ?? Number.POSITIVE_INFINITY) * seconds) / segmentBytes))
  for (let round = 0; round < rounds; round++) {
    const from = part * partsRead++
    let bytes = 0
    const took = await timeOf(async () => {
      bytes = await downloadSegments(from, count)
    })
    theirs.push(bytes / took / 1000)
    ours.push(await readOn(Math.floor(segmentBytes * from), Math.floor(segmentBytes * count)))
    await delay(2000) // what was asked for ahead of the reader ends
  }
  const plain = Math.min(median(theirs), 300 / 0.95) // 300 MB/s are enough
  const figure = { ours: median(ours), theirs: { name: 'HTTP', value: plain }, target: { least: 0.95 } }
  report({ name: `instant, read on, ${name}`, unit: 'MB/s', ...figure })
}

/** Megabytes a second of a reader that keeps four reads of 1 MiB under way, as a kernel's read-ahead does. */
async function readOn(from: number, bytes: number): Promise<number> {
  let at = from
  const work = async () => {
    while (at < from + bytes) {
      const offset = at
      at += 2 ** 20
      await read(offset, 2 ** 20)
    }
  }
  const took = await timeOf(() => Promise.all(Array.from({ length: 4 }, work)))
  return bytes / took / 1000
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work()
  return performance.now() - before
}

async function read(offset: number, count: number): Promise<void> {
  for (;;) {
    const answer = await nfs.READ({ file, offset, count })
    if (answer.status === Nfsstat3.JUKEBOX) continue
    if (answer.status !== Nfsstat3.OK) throw new Error(`READ failed with ${answer.status}`)
    return
  }
}

/** Bytes of so many segments, fetched one after the other. */
async function downloadSegments(first: number, count: number): Promise<number> {
  const { url, username, password } = provider.login
  let bytes = 0
  for (let at = first; at < first + count; at++) {
    const answer = await fetch(`${url}/hls/${username}/${password}/movie/129/main/${at}.ts`)
    if (!answer.ok) throw new Error(`The provider answers ${answer.status}`)
    bytes += (await answer.arrayBuffer()).byteLength
  }
  return bytes
}

async function handleOf(path: string): Promise<FileHandle> {
  const mounted = await client.program(mount3).MNT('/')
  if (mounted.status !== 0) throw new Error('MNT failed')
  let { handle } = mounted
  for (const name of path.split('/').filter(Boolean)) {
    const found = await nfs.LOOKUP({ dir: handle, name })
    if (found.status !== Nfsstat3.OK) throw new Error(`LOOKUP of ${name} failed`)
    handle = found.object
  }
  return handle
}
