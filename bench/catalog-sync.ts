/**
 * The catalogue at size: `node bench/catalog-sync.ts [films] [shows] [episodes of each show]`. One line for each figure.
 * Without arguments 15,000 films and 100,000 episodes, a tenth of a large provider.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type Measurement, openCatalog, openCatalogWriter } from '../src/catalog/index.ts'
import type { ProviderRecord, ProviderSection, ProviderSnapshot } from '../src/catalog/ports.ts'
import { silentLog } from '../src/lib/log.ts'
import { median } from './lib/figures.ts'

const [films = 15_000, shows = 3_000, episodesEach = 33] = process.argv.slice(2).map(Number)
const words =
  'night river stone garden winter silent broken golden last hidden house king road summer shadow north'.split(' ')
const nameOf = (number: number) => {
  const pick = (by: number) => words[Math.floor(number / by) % words.length]!
  return `The ${pick(1)} ${pick(16)} of ${pick(256)} ${number}`
}

/** `shift` renumbers every film. */
const provider = (shift: number): ProviderSnapshot => ({
  accountId: 'bench',
  sections: ['movies', 'shows'],
  async *read(section: ProviderSection): AsyncIterable<ProviderRecord> {
    for (let at = 0; at < (section === 'movies' ? films : shows); at++) {
      const year = 1950 + (at % 75)
      const common = { key: String(at + shift), tmdbId: String(at + 1), categoryKeys: [String(at % 200)] }
      const playable = { locator: `movie/${at + shift}.mkv`, extension: 'mkv', addedAt: 1_500_000_000_000 + at * 1000 }
      if (section === 'movies') yield { ...common, type: 'movie', name: `EN - ${nameOf(at)} (${year}) [4K]`, playable }
      else
        yield {
          ...common,
          key: String(at),
          type: 'show',
          name: `${nameOf(at)} (${year})`,
          modifiedAt: 1_600_000_000_000 + at,
          complete: false,
        }
    }
  },
  episodes: async showKey =>
    Array.from({ length: episodesEach }, (_, at) => ({
      type: 'episode',
      key: `${showKey}${String(at).padStart(4, '0')}`,
      showKey,
      season: 1 + Math.floor(at / 11),
      number: 1 + (at % 11),
      title: `The ${words[at % words.length]} episode`,
      playable: { locator: `series/${showKey}${at}.mkv`, extension: 'mkv' },
    })),
})

const directory = mkdtempSync(join(tmpdir(), 'reelport-bench-'))
const path = join(directory, 'catalog.sqlite')
const libraries = [
  { name: 'Movies', kind: 'movies', filter: {} },
  { name: 'TV', kind: 'shows', filter: {} },
] as const
using writer = openCatalogWriter(path, { libraries, graceMs: 7 * 86_400_000, log: silentLog, showConcurrency: 2 })
using catalog = openCatalog(path)
const signal = new AbortController().signal

const line = (what: string, figure: string) => console.log(`catalog-sync  ${what.padEnd(34)} ${figure}`)
async function timed(what: string, work: () => unknown): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const start = performance.now()
  await work()
  const seconds = (performance.now() - start) / 1000
  delay.disable()
  line(
    what,
    `${seconds.toFixed(2)} s, thread held up to ${(delay.max / 1e6).toFixed(0)} ms, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB resident`,
  )
}
function perCall(what: string, calls: number, call: (at: number) => unknown): void {
  for (let at = 0; at < Math.min(calls, 1000); at++) call(at)
  const start = performance.now()
  for (let at = 0; at < calls; at++) call(at)
  line(what, `${(((performance.now() - start) * 1000) / calls).toFixed(2)} us`)
}

/** How long the event loop was held in the longest turn of a call: the median of calls, as other processes hold it, too. */
async function longestTurn(what: string, calls: number, call: () => Promise<unknown>): Promise<void> {
  const longest: number[] = []
  for (let at = 0; at < calls; at++) {
    let [most, turned, ended] = [0, performance.now(), false]
    const watch = () => {
      const now = performance.now()
      most = Math.max(most, now - turned)
      turned = now
      if (!ended) setImmediate(watch)
    }
    setImmediate(watch)
    await call()
    ended = true
    longest.push(most)
  }
  line(what, `longest turn ${median(longest).toFixed(2)} ms`)
}

line('size', `${films} films, ${shows * episodesEach} episodes in ${shows} shows, Node ${process.version}`)
await timed('first sync', () => writer.sync(provider(0), { signal }))
let measured = 0
await timed('measured and published', async () => {
  for (;;) {
    const due = catalog.toMeasure('bench', 500, Date.now())
    if (due.length === 0) return
    const facts = { size: 2 ** 31 + measured, container: 'mkv', ranged: true } as const
    writer.record(due.map(({ variantId }): Measurement => ({ variantId, facts })))
    measured += due.length
    await new Promise(resolve => setImmediate(resolve))
  }
})
await timed('unchanged sync', () => writer.sync(provider(0), { signal }))

const movies = catalog.child(catalog.root, 'Movies')!
const { files } = catalog.totals()
const random = (() => {
  let state = 1
  return (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
})()
const names: string[] = []
for (let after = 0; names.length < films; ) {
  const page = catalog.children(movies.id, after, 1000)
  if (page.length === 0) break
  after = page.at(-1)!.id
  names.push(...page.map(({ name }) => name))
}
perCall('getattr', 200_000, () => catalog.node(17 + random(files)))
perCall('lookup in Movies', 200_000, () => catalog.child(movies.id, names[random(names.length)]!))
perCall('100 children from a random cookie', 5_000, () => catalog.children(movies.id, 17 + random(files), 100))
perCall('totals', 200_000, () => catalog.totals())
perCall('500 to measure', 1_000, () => catalog.toMeasure('bench', 500, Date.now()))
perCall('summary', 1_000, () => catalog.summary())
await longestTurn('title by part of its name', 20, () => catalog.find('nowhere to be found', 50))
await longestTurn('the first 500 titles with their streams', 5, () => catalog.find('', 500))
await timed('sync with every film renumbered', () => writer.sync(provider(10_000_000), { signal }))
line('database', `${(statSync(path).size / 2 ** 20).toFixed(0)} MiB for ${files} nodes`)
rmSync(directory, { recursive: true })
