/**
 * Live channels for many viewers: 50 viewers of 10 channels of 8 Mbit/s, with the server's CPU time, memory and event loop,
 * beside nginx as a plain proxy of the same streams, and while a guide is merged from 200 MB; the time to the first byte; and
 * how long a viewer gets nothing when his channel's stream dies.
 *
 *     node --conditions=@nfs/source bench/live.ts [SECONDS]
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { checkTs } from '../test/lib/ts-check.ts'
import { median, note, report } from './lib/figures.ts'
import { startProvider } from './lib/provider.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { type ServerProcess, startServer } from './lib/server.ts'
import { xmltvText } from './lib/xmltv.ts'

const seconds = Number(process.argv[2] ?? 20)
const channels = 10
const viewersEach = 5
const mbps = 8
const firstChannel = 400_001

/** User and system time of a process and its threads, in seconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

interface Viewer {
  bytes: number
  /** The longest time without a byte since this was last set to 0, in milliseconds. */
  longestMs: number
  readonly kept: Buffer[]
  firstMs: number
  readonly socket: Socket
}

/** Reads for ever; the first `keepBytes` are kept, to be looked at. */
function view(port: number, path: string, keepBytes: number): Viewer {
  const startedAt = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: Lavf/60\r\n\r\n`)
  const viewer: Viewer = { bytes: 0, longestMs: 0, kept: [], firstMs: Number.NaN, socket }
  let kept = 0
  let lastAt = Number.NaN
  let head = Buffer.alloc(0)
  let isBody = false
  socket.on('error', () => {})
  socket.on('data', data => {
    let chunk = data as Buffer
    if (!isBody) {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      if (!/^HTTP\/1\.1 200/.test(head.toString('latin1', 0, 15))) throw new Error(head.toString('latin1', 0, 200))
      isBody = true
      chunk = head.subarray(end + 4)
      if (chunk.length > 0) viewer.firstMs = performance.now() - startedAt
    } else if (Number.isNaN(viewer.firstMs)) viewer.firstMs = performance.now() - startedAt
    viewer.bytes += chunk.length
    const now = performance.now()
    viewer.longestMs = Math.max(viewer.longestMs, now - lastAt || 0)
    lastAt = now
    if (kept < keepBytes) {
      kept += chunk.length
      viewer.kept.push(Buffer.from(chunk))
    }
  })
  return viewer
}

/** CPU seconds and gigabits while everybody watches. */
async function watched(pids: readonly number[], viewers: readonly Viewer[]) {
  await delay(3_000)
  const cpu = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const bytes = () => viewers.reduce((sum, viewer) => sum + viewer.bytes, 0)
  const [cpuBefore, bytesBefore, startedAt] = [cpu(), bytes(), performance.now()]
  await delay(seconds * 1_000)
  const took = (performance.now() - startedAt) / 1_000
  return {
    share: (cpu() - cpuBefore) / took,
    gigabits: ((bytes() - bytesBefore) * 8) / 1e9,
    cpu: cpu() - cpuBefore,
    took,
  }
}

/** The first lines of a lineup, once there are so many. */
async function lineupOf(server: ServerProcess, least: number): Promise<readonly { GuideName: string; URL: string }[]> {
  for (;;) {
    const found = (await server.get('/lineup.json').catch(() => [])) as { GuideName: string; URL: string }[]
    if (found.length >= least) return found
    await delay(200)
  }
}

/** HLS, and streams that die: channels as the demo has them, with two upstreams where it has two qualities. */
async function startsAndDeaths(): Promise<void> {
  await using made = await startProvider({ directory: join(directory, 'made'), maxConnections: 20 })
  const data = join(directory, 'made-data')
  rmSync(data, { recursive: true, force: true })
  await using server = await startServer(data, made.login, {
    flags: { 'tuner-discovery': 'off', 'guide-schedule': 'off' },
  })
  const madeRows = await lineupOf(server, 5)
  const madePort = Number(new URL(madeRows[0]!.URL).port)
  const harbour = madeRows.find(({ GuideName: name }) => name.startsWith('Harbour'))!
  for (const [what, fault] of [
    ['breaks', { cutAfterMs: 5_000, times: 1 }],
    ['ends', { endAfterMs: 5_000, times: 1 }],
    ['gives nothing', { stallAfterMs: 5_000, times: 1 }],
  ] as const) {
    await made.answer({ 'live/302': { ...fault }, 'live/301': { ...fault } })
    const viewer = view(madePort, new URL(harbour.URL).pathname, 0)
    await delay(4_000)
    const before = viewer.longestMs
    viewer.longestMs = 0
    await delay(8_000)
    note(`the longest time without a byte before it ${what}: ${Math.round(before)} ms`)
    report({
      ...{ name: `live stream ${what}, data again after`, unit: 's', ours: viewer.longestMs / 1000 },
      target: { most: 2 },
    })
    viewer.socket.destroy()
    await made.answer({})
    await delay(1_000)
  }

  // An account's channels are asked for in the form that worked last: HLS comes behind transport streams.
  const hlsDirect: number[] = []
  const hlsOurs: number[] = []
  const weather = madeRows.find(({ GuideName: name }) => name.startsWith('Weather'))!
  for (let times = 0; times < 5; times++) {
    const startedAt = performance.now()
    const playlist = await fetch(`${made.login.url}/live/${made.login.username}/${made.login.password}/303.m3u8`)
    const segments = (await playlist.text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
    const segment = await fetch(new URL(segments.at(-3)!, playlist.url))
    await segment.body!.getReader().read()
    hlsDirect.push(performance.now() - startedAt)
    const viewer = view(madePort, new URL(weather.URL).pathname, 0)
    while (Number.isNaN(viewer.firstMs)) await delay(5)
    hlsOurs.push(viewer.firstMs)
    viewer.socket.destroy()
    await delay(300)
  }
  report({
    ...{ name: 'live first byte of HLS, beyond playlist and segment', unit: 'ms' },
    ...{ ours: median(hlsOurs) - median(hlsDirect), target: { most: 300 } },
  })
}

const directory = scratchDirectory('live')
rmSync(join(directory, 'data'), { recursive: true, force: true })
note(`${channels * viewersEach} viewers of ${channels} channels of ${mbps} Mbit/s, for ${seconds} s`)
await using provider = await startProvider({
  directory: join(directory, 'media'),
  live: { channels, mbps },
  catalogue: { films: 1 },
  maxConnections: 100,
})
const document = join(directory, 'guide.xml')
const configuration = join(directory, 'reelport.yaml')
rmSync(document, { force: true })
writeFileSync(
  configuration,
  `guides: [{ name: large, source: ${JSON.stringify(document)} }]\nguide: { schedule: off }\n`,
)
await using server = await startServer(join(directory, 'data'), provider.login, {
  watched: true,
  flags: { 'tuner-discovery': 'off', config: configuration },
})
const rows = await lineupOf(server, channels)
const port = Number(new URL(rows[0]!.URL).port)
const live = rows.slice(-channels)

const base = `${provider.login.url}/live/${provider.login.username}/${provider.login.password}`
const starts: number[] = []
const direct: number[] = []
for (const [at, { URL: url }] of live.entries()) {
  const own = view(Number(new URL(provider.login.url).port), new URL(`${base}/${firstChannel + at}.ts`).pathname, 0)
  while (Number.isNaN(own.firstMs)) await delay(5)
  direct.push(own.firstMs)
  own.socket.destroy()
  const ours = view(port, new URL(url).pathname, 0)
  while (Number.isNaN(ours.firstMs)) await delay(5)
  starts.push(ours.firstMs)
  ours.socket.destroy()
  await delay(300)
}
report({
  ...{ name: 'live first byte, beyond the upstream’s', unit: 'ms', ours: median(starts) - median(direct) },
  target: { most: 300 },
})

await startsAndDeaths()

const idleBytes = server.memory().now
const viewers = live.flatMap(({ URL: url }) =>
  Array.from({ length: viewersEach }, (_, at) => view(port, new URL(url).pathname, at === 0 ? 20e6 : 0)),
)
await delay(2_000)
await server.loopDelays()
for (const viewer of viewers) viewer.longestMs = 0
const ours = await watched([server.pid], viewers)
const delays = await server.loopDelays()
report({ name: 'live 50 viewers, of one core', unit: '%', ours: ours.share * 100, target: { most: 60 } })
report({ name: 'live 50 viewers, memory', unit: 'MB', ours: server.memory().now / 1e6, target: { most: 250 } })
report({ name: 'live 50 viewers, memory beyond idle', unit: 'MB', ours: (server.memory().now - idleBytes) / 1e6 })
report({
  name: 'live 50 viewers, bytes they got',
  unit: 'Gbit/s',
  ours: ours.gigabits / ours.took,
  target: { least: 0.38 },
})
note(`event loop: ${JSON.stringify(delays)}`)
const errors = viewers.flatMap(({ kept }) => {
  const all = Buffer.concat(kept)
  return all.length === 0 ? [] : checkTs(all.subarray(0, all.length - (all.length % 188)), 5).errors
})
report({ name: 'live 50 viewers, errors of counters and times', unit: '', ours: errors.length, target: { most: 0 } })

const longestGap = () => Math.max(...viewers.map(({ longestMs }) => longestMs))
const quiet = longestGap()
await pipeline(Readable.from(xmltvText(600, 1)), createWriteStream(document))
for (const viewer of viewers) viewer.longestMs = 0
const builtAt = async () => ((await server.get('/api/guide')) as { builtAt?: number }).builtAt
const [builtBefore, mergedFrom] = [await builtAt(), performance.now()]
await server.post('/api/guide/refresh', {})
await server.loopDelays()
while ((await builtAt()) === builtBefore) await delay(500)
note(`a guide merged from ${statSync(document).size / 1e6} MB in ${(performance.now() - mergedFrom) / 1000} s`)
const merging = await server.loopDelays()
report({
  ...{ name: 'live 50 viewers during a merge, longest gap', unit: 'ms' },
  ours: longestGap(),
  theirs: { name: 'without', value: quiet },
})
note(`event loop during a merge: ${JSON.stringify(merging)}`)
for (const { socket } of viewers) socket.destroy()

const nginx = await startNginx(Number(new URL(provider.login.url).port))
if (nginx === undefined) note('nginx is not installed: no comparison')
else {
  const theirs = Array.from({ length: channels * viewersEach }, (_, at) =>
    view(nginx.port, new URL(`${base}/${firstChannel + (at % channels)}.ts`).pathname, 0),
  )
  const proxied = await watched(nginx.pids(), theirs)
  for (const { socket } of theirs) socket.destroy()
  report({
    ...{ name: 'live CPU for each Gbit', unit: 's', ours: ours.cpu / ours.gigabits },
    theirs: { name: 'nginx', value: proxied.cpu / proxied.gigabits },
    target: { most: 1.5 },
  })
  nginx.stop()
}

async function startNginx(upstream: number) {
  if (spawnSync('nginx', ['-v']).status !== 0) return undefined
  const home = join(directory, 'nginx')
  mkdirSync(home, { recursive: true })
  const port = 18_080
  writeFileSync(
    join(home, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/error.log;
     events { worker_connections 512; }
     http { access_log off; client_body_temp_path ${home}/a; proxy_temp_path ${home}/b; fastcgi_temp_path ${home}/c;
       uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; proxy_buffering off; proxy_http_version 1.1; } } }`,
  )
  const child = spawn('nginx', ['-c', join(home, 'nginx.conf')], { stdio: 'ignore' })
  await delay(1_000)
  return {
    port,
    pids: () =>
      readdirSync('/proc').flatMap(name => {
        if (!/^\d+$/.test(name)) return []
        try {
          return readFileSync(`/proc/${name}/stat`, 'latin1').includes('(nginx)') ? [Number(name)] : []
        } catch {
          return []
        }
      }),
    stop() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      return exited
    },
  }
}
