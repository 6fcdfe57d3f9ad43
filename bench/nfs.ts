/**
 * Our server against nfs-ganesha, both serving the same 50,000 films from warm caches, each in a process of its own: in turns,
 * several rounds, both started anew for each, medians. Without nfs-ganesha, or not as root, our figures alone.
 *
 *   node --conditions=@nfs/source bench/nfs.ts [ROUNDS [SECONDS]]
 */
import { join } from 'node:path'
import { median, note, report, type Target } from './lib/figures.ts'
import { prepareFilms } from './lib/films.ts'
import { startGanesha, whyNoGanesha } from './lib/ganesha.ts'
import { buildLoadGenerator, cpuMicroseconds, type Endpoint, type Load, runLoad } from './lib/load.ts'
import { scratchDirectory } from './lib/scratch.ts'
import { benchConfig, nowhere, startServer } from './lib/server.ts'

const rounds = Number(process.argv[2] ?? 5)
const seconds = process.argv[3] ?? '2'
const warmUpSeconds = '1'
const ganeshaPort = 42_049

interface Work {
  readonly name: string
  readonly args: readonly string[]
  readonly figures: readonly WorkFigure[]
}

interface WorkFigure {
  readonly unit: string
  readonly of: (load: Load) => number
  readonly target?: Target
}

const perSecond = (target?: Target): WorkFigure => ({
  unit: 'ops/s',
  of: load => load.ops_per_s,
  ...(target && { target }),
})
const rate = (target?: Target): WorkFigure => ({ unit: 'MB/s', of: load => load.MB_per_s, ...(target && { target }) })
const entryRate: WorkFigure = { unit: 'entries/s', of: load => load.entries_per_s, target: { least: 4 } }
const cpu = (target?: Target): WorkFigure => ({ unit: 'us CPU/op', of: cpuMicroseconds, ...(target && { target }) })

function workOn(film: string): readonly Work[] {
  const timed = ['-t', seconds]
  const read = ['-f', film, '-x', ...timed]
  const few = [rate({ least: 0.9 }), cpu()]
  return [
    { name: 'walk cold, 8 in flight', args: ['-m', 'walk', '-q', '8'], figures: [entryRate, cpu()] },
    { name: 'walk warm, 8 in flight', args: ['-m', 'walk', '-q', '8'], figures: [entryRate, cpu()] },
    { name: 'walk warm, 64 in flight', args: ['-m', 'walk', '-q', '64'], figures: [entryRate, cpu()] },
    {
      name: 'getattr, 64 in flight',
      args: ['-m', 'getattr', '-q', '64', '-d', 'Movies', ...timed],
      figures: [perSecond({ least: 6 }), cpu({ most: 0.25 })],
    },
    {
      name: 'lookup, 64 in flight',
      args: ['-m', 'lookup', '-q', '64', '-d', 'Movies', ...timed],
      figures: [perSecond({ least: 6 }), cpu({ most: 0.25 })],
    },
    { name: 'read 1 MiB, 4 in flight', args: ['-m', 'read', '-q', '4', ...read], figures: few },
    { name: 'read, 4 connections', args: ['-m', 'read', '-q', '4', '-n', '4', ...read], figures: few },
    {
      name: 'random 64 KiB, 16 in flight',
      args: ['-m', 'rand', '-q', '16', '-s', '65536', ...read],
      figures: [rate(), cpu()],
    },
    { name: oneStream, args: ['-m', 'streams', '-S', '1', ...read], figures: [rate(), cpu()] },
    { name: manyStreams, args: ['-m', 'streams', '-S', '32', '-n', '32', ...read], figures: [rate(), cpu()] },
  ]
}
const oneStream = '1 stream'
const manyStreams = '32 streams'

const program = buildLoadGenerator()
if (program === undefined) process.exit(1)
const directory = scratchDirectory('nfs')
const data = join(directory, 'data')
note('preparing 50,000 films (once)')
const { peer, realPath } = await prepareFilms(directory, benchConfig(data, nowhere))
const noGanesha = whyNoGanesha()
if (noGanesha !== undefined) note(`without nfs-ganesha: ${noGanesha}`)

const work = workOn(realPath)
const ours = work.map((): Load[] => [])
const theirs = work.map((): Load[] => [])
let disturbance = 0
for (let round = 1; round <= rounds; round++) {
  await using server = await startServer(data, nowhere)
  await using ganesha = noGanesha === undefined ? await startGanesha(peer, ganeshaPort) : undefined
  const endpoint: Endpoint = { port: server.port, exported: '/', pid: server.pid }
  for (const [at, { args }] of work.entries()) {
    ours[at]!.push(await measured(program, endpoint, args))
    if (ganesha !== undefined) theirs[at]!.push(await measured(program, ganesha, args))
  }
}
for (const [at, { name, figures }] of work.entries()) {
  for (const { unit, of, target } of figures) {
    const value = median(ours[at]!.map(of))
    const peers = theirs[at]!.length > 0 ? { name: 'ganesha', value: median(theirs[at]!.map(of)) } : undefined
    report({ name: `nfs ${name}`, unit, ours: value, theirs: peers, ...(peers && target && { target }) })
  }
}
const total = (name: string) => median(ours[work.findIndex(item => item.name === name)]!.map(load => load.MB_per_s))
report({
  name: 'nfs 32 streams against 1',
  unit: 'MB/s',
  ours: total(manyStreams),
  theirs: { name: 'one', value: total(oneStream) },
  target: { least: 0.8 },
})
note(`others used ${(disturbance * 100).toFixed(0)} % of one core meanwhile; above 20 or so, run it again`)

/** What is timed has been done for a moment before: figures are of a server that has been running. */
async function measured(generator: string, endpoint: Endpoint, args: readonly string[]): Promise<Load> {
  const isTimed = args.includes('-t')
  if (isTimed) await runLoad(generator, endpoint, [...args, '-t', warmUpSeconds])
  const load = await runLoad(generator, endpoint, args)
  disturbance += load.other_cpu_s / load.secs / (rounds * work.length * (noGanesha === undefined ? 2 : 1))
  return load
}
