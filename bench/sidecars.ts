/**
 * What files beside titles cost at size: 120,000 films and 30,000 shows of 10 episodes, described as a provider describes them, with
 * nothing beside them, with the default, and with NFO files. Each in a process of its own; then the real server on what that left.
 *
 *   node --conditions=@nfs/source bench/sidecars.ts [FILMS] [SHOWS]
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Measurement, openCatalog, openCatalogWriter } from '../src/catalog/index.ts'
import { silentLog } from '../src/lib/log.ts'
import { catalogPath } from './lib/catalogue.ts'
import { describedTitles } from './lib/described-titles.ts'
import { note, report } from './lib/figures.ts'
import { buildLoadGenerator, runLoad } from './lib/load.ts'
import { benchConfig, nowhere, startServer } from './lib/server.ts'

const [films = 120_000, shows = 30_000, ...fill] = process.argv.slice(2)
const size = { films: Number(films), shows: Number(shows), episodesEach: 10 }
const megabyte = 1e6
const batch = 5_000

const kinds = {
  none: { plexmatch: false, subtitles: false },
  default: {},
  nfo: { nfo: true },
} as const

const [kind, data] = fill
if (kind !== undefined && data !== undefined) await fillOne(kind, data)
else {
  note(`${size.films} films, ${size.shows} shows of ${size.episodesEach} episodes`)
  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) await measure(kind)
}

async function measure(kind: keyof typeof kinds): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'reelport-bench-sidecars-'))
  try {
    mkdirSync(data, { recursive: true })
    const libraries = [
      { name: 'Movies', kind: 'movies', sidecars: kinds[kind] },
      { name: 'TV', kind: 'shows', sidecars: kinds[kind] },
    ]
    writeFileSync(join(data, 'reelport.yaml'), JSON.stringify({ libraries })) // YAML is a superset
    const args = [...process.execArgv, import.meta.filename, String(films), String(shows), kind, data]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    if (status !== 0) throw new Error(`The catalogue with ${kind} could not be made`)
    await walk(kind, data)
  } finally {
    rmSync(data, { recursive: true })
  }
}

/** The first sync, and every size recorded: what the catalogue's thread does, by itself. */
async function fillOne(kind: string, data: string): Promise<void> {
  const config = benchConfig(data, nowhere)
  const accountId = config.accounts[0]!.id
  using writer = openCatalogWriter(catalogPath(config), { libraries: config.libraries, ...config.sync, log: silentLog })
  const signal = new AbortController().signal
  const timed = async (what: string, work: () => unknown) => {
    const [started, used] = [performance.now(), process.cpuUsage()]
    await work()
    const { user, system } = process.cpuUsage(used)
    report({ name: `sidecars ${kind}: ${what}`, unit: 's', ours: (performance.now() - started) / 1000 })
    report({ name: `sidecars ${kind}: ${what}`, unit: 's CPU', ours: (user + system) / 1e6 })
  }
  await timed('first sync', () => writer.sync(describedTitles(accountId, size), { signal }))
  using catalog = openCatalog(catalogPath(config))
  let measured = 0
  await timed('published', () => {
    for (;;) {
      const due = catalog.toMeasure(accountId, batch, Date.now())
      if (due.length === 0) return
      const facts = { container: 'mkv', ranged: true } as const
      writer.record(
        due.map(({ variantId }): Measurement => ({ variantId, facts: { ...facts, size: 2 ** 31 + ++measured } })),
      )
    }
  })
  await timed('sync, unchanged', () => writer.sync(describedTitles(accountId, size), { signal }))
  const most = process.resourceUsage().maxRSS * 1024
  report({ name: `sidecars ${kind}: most resident memory`, unit: 'MB', ours: most / megabyte })
}

async function walk(kind: string, data: string): Promise<void> {
  const generator = buildLoadGenerator()
  if (generator === undefined) return
  await using server = await startServer(data, nowhere)
  report({
    name: `sidecars ${kind}: database`,
    unit: 'MB',
    ours: statSync(catalogPath(benchConfig(data, nowhere))).size / megabyte,
  })
  const endpoint = { port: server.port, exported: '/', pid: server.pid }
  const { entries, secs, other_cpu_s } = await runLoad(generator, endpoint, ['-m', 'walk', '-q', '8'])
  note(`a walk of ${entries} entries; others used ${((other_cpu_s / secs) * 100).toFixed(0)} % of one core meanwhile`)
  report({ name: `sidecars ${kind}: walk`, unit: 's', ours: secs })
  report({ name: `sidecars ${kind}: server's memory after it`, unit: 'MB', ours: server.memory().now / megabyte })
}
