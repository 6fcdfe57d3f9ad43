/**
 * A library of HLS titles that something opens file by file, 256 at once, while somebody watches a film: how fast titles are
 * scanned, what it asks of the account, what it costs the server, and what the player waits for.
 *
 *   node --conditions=@nfs/source bench/hls-scan.ts [TITLES]
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../src/app/index.ts'
import type { TitleStatus } from '../src/catalog/index.ts'
import { median, note, report } from './lib/figures.ts'
import { type Player, startPlayer } from './lib/player.ts'
import { startProvider } from './lib/provider.ts'
import type { Counts } from './lib/provider-main.ts'
import { type Scanned, scan } from './lib/scanner.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { type ServerProcess, startServer } from './lib/server.ts'

const titles = Number(process.argv[2] ?? 50_000)
const inFlight = 256
const maxConnections = 4
const megabyte = 1e6
/** A player's reads, and their rate. */
const playing = { bytesPerSecond: 1e6, readBytes: 64 * 1024 }
const aloneMs = 20_000
const sampleMs = 1_000

/** The most that there was of everything while something went on. */
interface Observed {
  readonly requests: Readonly<Record<string, number>>
  readonly mostConnections: number
  readonly refused: number
  readonly mostQueued: number
  readonly mostMemory: number
}

const scratch = scratchDirectory('hls-scan')
const data = join(scratch, 'data')
rmSync(data, { recursive: true, force: true })
await using provider = await startProvider({
  catalogue: { films: 1, minBytes: 8e9, maxBytes: 8e9, hlsFilms: titles },
  longTitle: {},
  directory: join(scratch, 'media'),
  maxConnections,
})
await using server = await startServer(data, provider.login, {
  flags: {
    ...{ 'measure-per-second': '1000', 'measure-concurrency': String(maxConnections) },
    ...{ 'streams-lengths-per-second': '1000', 'cache-budget': '40GiB' },
  },
  watched: true,
})
await server.loopDelays() // what a start takes is not the indexing's
await measureIndexing()
const films = [
  { name: 'a file', path: await pathOf('Synthetic Film') },
  { name: 'HLS', path: await pathOf('The Long Crossing') },
]
const players = films.map(({ path }) => startPlayer({ port: server.port, path, ...playing }))
await measureScans()
for (const player of players) await player[Symbol.asyncDispose]()

async function measureIndexing(): Promise<void> {
  const { took, observed } = await observe(async () => {
    let status: Status
    do {
      await delay(500)
      status = (await server.get('/api/status')) as Status
    } while (status.sync.running.length > 0 || status.catalog.waiting > 0 || status.catalog.titles.movie === 0)
  })
  note(`indexing ${titles} titles: ${requestsIn(observed)}`)
  report({ name: 'hls-scan, titles indexed', unit: '/s', ours: titles / (took / 1000) })
  report({
    name: 'hls-scan, media fetched for it',
    unit: 'segments',
    ours: observed.requests.segment ?? 0,
    target: { most: 0 },
  })
  reportAccount('while indexing', observed)
  await reportLoop('while indexing', server)
}

async function measureScans(): Promise<void> {
  await delay(5_000) // the players' first bytes are not what is compared
  await waitsOf(players)
  await server.loopDelays()
  await delay(aloneMs)
  const alone = await waitsOf(players)
  await reportLoop('while two play', server)

  const first = await observe(() => scan({ port: server.port, library: '/Movies', inFlight }))
  const beside = await waitsOf(players)
  reportScan('first', first.result, first.observed)
  reportAccount('while scanning', first.observed)
  await reportLoop('while scanning', server)
  for (const [at, { name }] of films.entries()) reportWaits(name, beside[at]!, alone[at]!)

  for (const player of players) await player[Symbol.asyncDispose]()
  await delay(2_000) // what they had asked for ahead ends
  await provider.counts()
  await server.loopDelays()
  const second = await observe(() => scan({ port: server.port, library: '/Movies', inFlight }))
  reportScan('second', second.result, second.observed)
  reportAccount('while scanning again', second.observed)
  await reportLoop('while scanning again', server)
  const asked = Object.values(second.observed.requests).reduce((sum, count) => sum + count, 0)
  report({ name: 'hls-scan, second scan: requests', unit: '', ours: asked, target: { most: 0 } })
}

function reportScan(which: string, { titles, failures, bytes, took }: Scanned, observed: Observed): void {
  note(`the ${which} scan: ${titles} titles, ${(bytes / megabyte).toFixed(0)} MB read; ${requestsIn(observed)}`)
  report({ name: `hls-scan, ${which} scan`, unit: 'titles/s', ours: titles / (took / 1000) })
  report({ name: `hls-scan, ${which} scan: failed reads`, unit: '', ours: failures, target: { most: 0 } })
}

function reportAccount(when: string, { mostConnections, refused, mostQueued, mostMemory }: Observed): void {
  report({ name: `hls-scan, connections ${when}`, unit: '', ours: mostConnections, target: { most: maxConnections } })
  report({ name: `hls-scan, refused ${when}`, unit: '', ours: refused, target: { most: 0 } })
  report({ name: `hls-scan, queued ${when}`, unit: 'entries', ours: mostQueued, target: { most: 0 } })
  report({ name: `hls-scan, memory ${when}`, unit: 'MB', ours: mostMemory / megabyte, target: { most: 400 } })
}

function reportWaits(film: string, beside: readonly number[], alone: readonly number[]): void {
  for (const [what, of] of [
    ['median', median],
    ['p99', p99],
    ['longest', (waits: readonly number[]) => Math.max(...waits)],
  ] as const) {
    const theirs = { name: 'alone', value: of(alone) }
    report({ name: `hls-scan, player of ${film}: ${what}`, unit: 'ms', ours: of(beside), theirs })
  }
}

async function reportLoop(when: string, { loopDelays }: ServerProcess): Promise<void> {
  const { longestMs, busiestMs, long, busy, turns } = await loopDelays()
  note(
    `${when}: of ${turns} turns ${long} took more than 10 ms (most ${longestMs.toFixed(0)}), ${busy} that much CPU time`,
  )
  report({ name: `hls-scan, busiest turn ${when}`, unit: 'ms CPU', ours: busiestMs, target: { most: 10 } })
}

/** What the provider, the queue and the server's memory came to at most while `work` was done. */
async function observe<T>(work: () => Promise<T>): Promise<{ result: T; took: number; observed: Observed }> {
  const began = performance.now()
  const requests: Record<string, number> = {}
  const most = { mostConnections: 0, refused: 0, mostQueued: 0, mostMemory: 0 }
  const sample = async () => {
    const counts: Counts = await provider.counts()
    for (const [kind, count] of Object.entries(counts.requests)) requests[kind] = (requests[kind] ?? 0) + count
    const { queue } = (await server.get('/api/status')) as Status
    most.mostConnections = Math.max(most.mostConnections, counts.mostConnections)
    most.refused += counts.refused
    most.mostQueued = Math.max(
      most.mostQueued,
      Object.values(queue.states).reduce((sum, count) => sum + count, 0),
    )
    most.mostMemory = Math.max(most.mostMemory, server.memory().now)
  }
  const done = new AbortController()
  const sampling = (async () => {
    while (!done.signal.aborted) {
      await sample()
      await delay(sampleMs, undefined, { signal: done.signal }).catch(() => {})
    }
    await sample()
  })()
  const result = await work()
  const took = performance.now() - began
  done.abort()
  await sampling
  return { result, took, observed: { requests, ...most } }
}

function waitsOf(of: readonly Player[]): Promise<(readonly number[])[]> {
  return Promise.all(of.map(player => player.waits()))
}

async function pathOf(name: string): Promise<string> {
  const query = new URLSearchParams({ q: name, limit: '1' })
  const [title] = (await server.get(`/api/titles?${query}`)) as readonly TitleStatus[]
  return title!.streams[0]!.path!
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!
}

function requestsIn({ requests }: Observed): string {
  const all = Object.entries(requests).map(([kind, count]) => `${count} ${kind}`)
  return all.join(', ') || 'no requests'
}
