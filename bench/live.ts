/**
 * Live channels for many viewers: 50 viewers of 10 channels of 8 Mbit/s, with the server's CPU time, memory and event loop,
 * beside nginx as a plain proxy of the same streams; the time to the first byte; and a fail-over in mid-stream.
 *
 *     node --conditions=@nfs/source bench/live.ts [SECONDS]
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { checkTs } from '../test/lib/ts-check.ts'
import { median, note, report } from './lib/figures.ts'
import { startProvider } from './lib/provider.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { startServer } from './lib/server.ts'

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
  readonly kept: Buffer[]
  firstMs: number
  readonly socket: Socket
}

/** Reads for ever; the first `keepBytes` are kept, to be looked at. */
function view(port: number, path: string, keepBytes: number): Viewer {
  const startedAt = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: Lavf/60\r\n\r\n`)
  const viewer: Viewer = { bytes: 0, kept: [], firstMs: Number.NaN, socket }
  let kept = 0
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

const directory = scratchDirectory('live')
rmSync(join(directory, 'data'), { recursive: true, force: true })
note(`${channels * viewersEach} viewers of ${channels} channels of ${mbps} Mbit/s, for ${seconds} s`)
await using provider = await startProvider({
  directory: join(directory, 'media'),
  live: { channels, mbps },
  catalogue: { films: 1 },
  maxConnections: 100,
})
await using server = await startServer(join(directory, 'data'), provider.login, {
  watched: true,
  flags: { 'tuner-discovery': 'off', 'live-stall': '2s' },
})
const rows = await (async () => {
  for (;;) {
    const found = (await server.get('/lineup.json').catch(() => [])) as { GuideNumber: string; URL: string }[]
    if (found.length >= channels) return found
    await delay(200)
  }
})()
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

const idleBytes = server.memory().now
const viewers = live.flatMap(({ URL: url }) =>
  Array.from({ length: viewersEach }, (_, at) => view(port, new URL(url).pathname, at === 0 ? 20e6 : 0)),
)
await delay(2_000)
await server.loopDelays()
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
