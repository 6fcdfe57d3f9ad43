/**
 * What a thousand browsers that show the dashboard cost those who read files: NFS READ with and without them, in turns in the same
 * run, medians; and how soon all of them have been told.
 *
 *     node --conditions=@nfs/source bench/dashboard.ts [ROUNDS [SECONDS]]
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findInstance } from '../src/app/index.ts'
import { median, note, report } from './lib/figures.ts'
import { prepareFilms } from './lib/films.ts'
import { buildLoadGenerator, type Endpoint, type Load, runLoad } from './lib/load.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { benchConfig, nowhere, startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 5)
const seconds = process.argv[3] ?? '4'
const listeners = 1_000
/** Told for so long before anything is measured. */
const settleMs = 3_000

interface Listener {
  readonly socket: Socket
  events: number
  bytes: number
}

/** Listens to `/api/events` for ever. */
async function listen(url: URL, token: string): Promise<Listener> {
  const socket = connect(Number(url.port), url.hostname)
  const listener: Listener = { socket, events: 0, bytes: 0 }
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(`GET /api/events HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  socket.on('data', data => {
    listener.bytes += data.length
    listener.events++
  })
  return listener
}

const program = buildLoadGenerator()
if (program === undefined) process.exit(1)
const directory = scratchDirectory('nfs')
const data = join(directory, 'data')
note('preparing 50,000 films (once)')
const { realPath } = await prepareFilms(directory, benchConfig(data, nowhere))

const alone: Load[] = []
const watched: Load[] = []
let kibPerSecond = 0
let busiestMs = 0
{
  await using server = await startServer(data, nowhere, { watched: true })
  const endpoint: Endpoint = { port: server.port, exported: '/', pid: server.pid }
  const { note: instance, token } = findInstance(data)!
  const args = ['-m', 'read', '-q', '4', '-f', realPath, '-x', '-t', seconds]
  await runLoad(program, endpoint, args)
  for (let round = 1; round <= rounds; round++) {
    alone.push(await runLoad(program, endpoint, args))
    const all: Listener[] = []
    for (let at = 0; at < listeners; at++) all.push(await listen(new URL(instance.httpUrl), token.reveal()))
    await delay(settleMs)
    await server.loopDelays()
    const before = all.reduce((sum, { bytes }) => sum + bytes, 0)
    const startedAt = performance.now()
    watched.push(await runLoad(program, endpoint, args))
    const took = (performance.now() - startedAt) / 1_000
    kibPerSecond = (all.reduce((sum, { bytes }) => sum + bytes, 0) - before) / 1024 / took
    busiestMs = Math.max(busiestMs, (await server.loopDelays()).busiestMs)
    const told = all.filter(({ events, socket }) => events > 2 && !socket.destroyed).length
    if (told < listeners) throw new Error(`Only ${told} of ${listeners} listeners were told`)
    for (const { socket } of all) socket.destroy()
    await delay(1_500)
  }
}

const rate = (loads: readonly Load[]) => median(loads.map(({ MB_per_s: value }) => value))
const cpu = (loads: readonly Load[]) => median(loads.map(load => (load.server_run_s * 1e6) / load.ops))
const theirs = (value: number) => ({ name: 'without', value })
note(`${listeners} browsers were sent ${kibPerSecond.toFixed(0)} KiB/s in all`)
report({
  ...{ name: `read 1 MiB, ${listeners} browsers`, unit: 'MB/s', ours: rate(watched) },
  ...{ theirs: theirs(rate(alone)), target: { least: 0.95 } },
})
report({ name: `read 1 MiB, ${listeners} browsers`, unit: 'us CPU/op', ours: cpu(watched), theirs: theirs(cpu(alone)) })
report({ name: 'event loop busy at a time, at most', unit: 'ms', ours: busiestMs, target: { most: 10 } })
