/**
 * What a thousand browsers that show the dashboard cost those who read files: NFS READ with and without them, in turns in the same
 * run, the median of the ratios of neighbours; and what telling them costs the server where nobody reads.
 *
 *     node --conditions=@nfs/source bench/dashboard.ts [ROUNDS [SECONDS]]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findInstance } from '../src/app/index.ts'
import { median, note, report } from './lib/figures.ts'
import { prepareFilms } from './lib/films.ts'
import type { Told } from './lib/listeners-main.ts'
import { buildLoadGenerator, cpuMicroseconds, type Endpoint, type Load, runLoad } from './lib/load.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { benchConfig, nowhere, startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 9)
const seconds = process.argv[3] ?? '3'
const browsers = 1_000
const quietMs = 10_000

/** User and system time of a process and its threads, in seconds. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** CPU seconds of a process in a second. */
async function cpuShare(pid: number): Promise<number> {
  const before = cpuOf(pid)
  await delay(quietMs)
  return (cpuOf(pid) - before) / (quietMs / 1_000)
}

async function open(url: string, token: string): Promise<ChildProcess> {
  const main = join(import.meta.dirname, 'lib/listeners-main.ts')
  const child = fork(main, [url, String(browsers)], { env: { ...process.env, TOKEN: token } })
  await once(child, 'message')
  return child
}

async function told(child: ChildProcess): Promise<Told> {
  const answer = once(child, 'message')
  child.send('told')
  return (await answer)[0] as Told
}

async function close(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.disconnect()
  await exited
}

const program = buildLoadGenerator()
if (program === undefined) process.exit(1)
const directory = scratchDirectory('nfs')
const data = join(directory, 'data')
note('preparing 50,000 films (once)')
const { realPath } = await prepareFilms(directory, benchConfig(data, nowhere))
const args = ['-m', 'read', '-q', '4', '-f', realPath, '-x', '-t', seconds]

await using server = await startServer(data, nowhere, { watched: true })
const endpoint: Endpoint = { port: server.port, exported: '/', pid: server.pid }
const { note: instance, token } = findInstance(data)!
await runLoad(program, endpoint, args)

const pairs: { readonly alone: Load; readonly watched: Load }[] = []
const busiestMs = { watched: 0, alone: 0 }
let bytes = 0
const run = async (which: keyof typeof busiestMs): Promise<Load> => {
  await server.loopDelays()
  const load = await runLoad(program, endpoint, args)
  busiestMs[which] = Math.max(busiestMs[which], (await server.loopDelays()).busiestMs)
  return load
}
for (let round = 1; round <= rounds; round++) {
  // First the one and then the other, and the next time the other way round: what else the machine does changes slowly.
  const first = round % 2 === 0 ? await run('alone') : undefined
  const child = await open(instance.httpUrl, token.reveal())
  await told(child)
  const watched = await run('watched')
  const since = await told(child)
  if (since.listeners < browsers) throw new Error(`Only ${since.listeners} of ${browsers} browsers were told`)
  bytes += since.bytes
  await close(child)
  pairs.push({ alone: first ?? (await run('alone')), watched })
}
const idle = await cpuShare(server.pid)
const child = await open(instance.httpUrl, token.reveal())
const telling = await cpuShare(server.pid)
await close(child)

const of = (value: (load: Load) => number) => ({
  ours: median(pairs.map(({ watched }) => value(watched))),
  theirs: { name: 'without', value: median(pairs.map(({ alone }) => value(alone))) },
})
const rate = of(({ MB_per_s: value }) => value)
const kib = bytes / 1024 / browsers / rounds / Number(seconds)
note(`each of ${browsers} browsers was sent ${kib.toFixed(2)} KiB/s while files were read`)
report({ name: `read 1 MiB, ${browsers} browsers`, unit: 'MB/s', ...rate })
report({
  ...{ name: 'of neighbours, median', unit: 'ratio', target: { least: 0.95 } },
  ours: median(pairs.map(({ alone, watched }) => watched.MB_per_s / alone.MB_per_s)),
})
report({ name: `read 1 MiB, ${browsers} browsers`, unit: 'us CPU/op', ...of(cpuMicroseconds) })
report({ name: `${browsers} browsers and no reader`, unit: 'CPU s/s', ours: telling - idle, target: { most: 0.05 } })
report({ name: 'event loop busy at a time, at most', unit: 'ms', ours: busiestMs.watched, target: { most: 10 } })
report({ name: 'the same without browsers', unit: 'ms', ours: busiestMs.alone })
