import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { checkCatalog } from './lib/check-catalog.ts'
import { FakeProvider, movie } from './lib/fake-provider.ts'
import { day, measureAll, open, paths } from './lib/open-catalog.ts'

const signal = new AbortController().signal
const words = [
  'Amber',
  'Basilisk',
  'Cobalt',
  'Dynamo',
  'Eclipse',
  'Fjord',
  'Granite',
  'Hollow',
  'Indigo',
  'Juniper',
  'Kestrel',
  'Lagoon',
]
const graceMs = 5 * day
const libraries = [{ name: 'Movies', kind: 'movies' as const, filter: {}, sidecars: { nfo: true, artwork: true } }]

/** A film as it really is: its bytes never change, whatever the provider calls it. */
interface Film {
  readonly number: number
  name: string
  key: number
  offered: boolean
  /** Days since the catalogue could last see it. */
  lastSeenAt: number
}

type Step =
  | { readonly do: 'add' | 'remove' | 'return'; readonly at: number }
  | { readonly do: 'retitle'; readonly at: number; readonly mark: string }
  | { readonly do: 'renumber' | 'permute' | 'reverse' | 'sync' | 'empty' | 'cut' | 'measure' | 'retire' }
  | { readonly do: 'wait'; readonly days: number }

const at = fc.nat({ max: 50 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('add', 'remove', 'return'), at }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('retitle'),
      at,
      mark: fc.constantFrom('!', ' [4K]', ' (MULTI)', ' HEVC', '?'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('renumber', 'permute', 'reverse', 'sync', 'empty', 'cut', 'measure', 'retire'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), days: fc.constantFrom(1, 3, 6) }) },
) as fc.Arbitrary<Step>

t.test('whatever a provider does to its list, a film that it still offers keeps its path and its id', async t => {
  const directory = t.testdir()
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async steps => {
      const path = join(directory, String(++run))
      mkdirSync(path)
      using opened = open(path, { graceMs, libraries })
      const { writer, catalog, clock } = opened
      const provider = new FakeProvider()
      const films: Film[] = []
      /** Where each film was published, and every id that was ever given out with what it stood for. */
      const places = new Map<Film, string>()
      const given = new Map<number, string>()
      let nextKey = 1
      let order: 1 | -1 = 1

      const add = (): void => {
        const number = films.length
        const name = `${words[number % words.length]} ${number} (${1950 + number})`
        films.push({ number, name, key: nextKey++, offered: true, lastSeenAt: clock.now() })
      }
      const sync = async (kind: 'complete' | 'empty' | 'cut'): Promise<void> => {
        const offered = films.filter(film => film.offered).sort((a, b) => order * (a.number - b.number))
        const rows = offered.map(({ key, name, number }) => ({
          ...movie(String(key), name, { description: { plot: `Once ${name}` }, poster: `http://x/${number}.jpg` }),
          playable: { locator: `movie/${key}`, addedAt: 1_600_000_000_000 + number },
        }))
        const half = rows.slice(0, Math.ceil(rows.length / 2))
        provider.answers = { movies: kind === 'complete' ? rows : kind === 'empty' ? [] : [...half, new Error('cut')] }
        await writer.sync(provider, { signal })
        if (kind === 'complete') for (const film of offered) film.lastSeenAt = clock.now()
      }
      const measure = (): void => {
        const byLocator = new Map(films.filter(film => film.offered).map(film => [`movie/${film.key}`, film]))
        measureAll(opened, 'one', locator => ({ size: 1000 + (byLocator.get(locator)?.number ?? 9_000_000) }))
        const facts = { size: 77, sha256: 'ab'.repeat(32), extension: 'jpg' }
        const due = catalog.toAttach('one', 1_000, clock.now())
        writer.attach(due.map(({ attachmentId }) => ({ attachmentId, facts })))
      }
      const contentOf = (id: number): string => {
        const sidecar = catalog.sidecar(id)
        if (sidecar === undefined) return ''
        return 'text' in sidecar ? Buffer.from(sidecar.text).toString('latin1') : `attachment ${sidecar.attachment.id}`
      }
      const pick = (candidates: readonly Film[], index: number) => candidates[index % Math.max(1, candidates.length)]

      const apply = async (step: Step): Promise<void> => {
        const offered = films.filter(film => film.offered)
        switch (step.do) {
          case 'add':
            return add()
          case 'remove': {
            const film = pick(offered, step.at)
            if (film !== undefined && offered.length > 4) film.offered = false
            return
          }
          case 'return': {
            const film = pick(
              films.filter(film => !film.offered),
              step.at,
            )
            if (film !== undefined) Object.assign(film, { offered: true, key: nextKey++ })
            return
          }
          case 'retitle': {
            const film = pick(offered, step.at)
            if (film === undefined || film.name.length > 60) return
            await sync('complete') // a provider that renames and renumbers at once is another provider
            film.name += step.mark
            return await sync('complete')
          }
          case 'renumber':
            for (const film of offered) film.key = nextKey++
            return
          case 'permute': {
            const keys = offered.map(({ key }) => key)
            for (const [at, film] of offered.entries()) film.key = keys[(at + 1) % keys.length]!
            return
          }
          case 'reverse':
            order = order === 1 ? -1 : 1
            return
          case 'sync':
            return await sync('complete')
          case 'empty':
          case 'cut':
            return await sync(step.do)
          case 'measure':
            await sync('complete') // before that the provider's ids and ours may not agree on what is behind a locator
            return measure()
          case 'retire':
            writer.retire()
            return
          case 'wait':
            return await clock.advance(step.days * day)
        }
      }

      const check = (): void => {
        const now = paths(opened)
        const folders = (ending: RegExp) =>
          new Set([...now.keys()].filter(path => ending.test(path)).map(path => path.slice(0, path.lastIndexOf('/'))))
        assert.deepEqual(folders(/\/movie\.nfo$/), folders(/\.mkv$/), 'an NFO file for each film, and for nothing else')
        for (const [path, id] of now) {
          const { size, renditionId } = catalog.node(id)!
          const file = `${path} ${size} ${contentOf(id)}`
          assert.equal(given.get(id) ?? file, file, 'an id stands for one file for ever')
          given.set(id, file)
          if (renditionId === null) continue
          const film = films[size - 1000]!
          const place = places.get(film)
          const wasRetired = clock.now() - film.lastSeenAt >= graceMs
          if (place !== undefined && !wasRetired) assert.equal(`${path} ${id}`, place, 'a path and id is for ever')
          places.set(film, `${path} ${id}`)
        }
        for (const [film, place] of places) {
          if (clock.now() - film.lastSeenAt >= graceMs) {
            places.delete(film) // it may be retired now, and would come back as a new one
            continue
          }
          assert.ok(now.has(place.slice(0, place.lastIndexOf(' '))), `${place} is still there`)
        }
      }

      for (let count = 0; count < 6; count++) add()
      await sync('complete')
      measure()
      for (const step of steps) {
        await apply(step)
        check()
      }
      await apply({ do: 'measure' })
      check()
      checkCatalog(opened.path)
      assert.equal(
        [...paths(opened).keys()].filter(path => path.endsWith('.mkv')).length >=
          films.filter(film => film.offered).length,
        true,
        'all that is offered is there',
      )
    }),
    { numRuns: 40 },
  )
  t.pass('in all histories')
})
