import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { plexApi } from '../../src/plex/api.ts'
import { adviceFor, planPlexLibraries, removePlexLibraries, setUpPlexLibraries } from '../../src/plex/libraries.ts'
import { PartialScans } from '../../src/plex/partial-scans.ts'
import { describeStep } from '../../src/plex/run.ts'
import { clientOf, hastyClock } from '../lib/plex-client.ts'
import { PlexServer, type SimOptions } from '../lib/plex-server.ts'

const never = new AbortController().signal
const movies = ['Heat (1995)', 'Ronin (1998)']
const shows = ['Fargo (2014)']
const analysis = ['enableBIFGeneration', 'enableIntroMarkerGeneration', 'enableVoiceActivityGeneration']

/** A server whose host has our export mounted, and a folder of its owner. */
async function scene(t: Test, options: Partial<SimOptions> = {}) {
  const clock = hastyClock()
  const mount = t.testdir({ export: { Movies: {}, TV: {} }, theirs: { Movies: {} } })
  const at = (name: string) => join(mount, 'export', name)
  for (const name of movies) mkdirSync(join(at('Movies'), name))
  for (const name of shows) mkdirSync(join(at('TV'), name))
  const plex = await PlexServer.start({ now: clock.now, ...options })
  plex.preferences.autoEmptyTrash = '0'
  const http = clientOf(plex)
  t.teardown(async () => {
    await http[Symbol.asyncDispose]()
    await plex[Symbol.asyncDispose]()
  })
  const deps = { api: plexApi(http, never), onStep: () => {} }
  const wanted = {
    ...{ language: 'en-US', agent: 'plex' as 'plex' | 'nfo' },
    libraries: [
      { name: 'Movies', kind: 'movies' as const, path: at('Movies'), sample: movies },
      { name: 'TV', kind: 'shows' as const, path: at('TV'), sample: shows },
    ],
  }
  return {
    ...{ plex, wanted, at, clock, deps, theirs: join(mount, 'theirs', 'Movies') },
    setUp: () => setUpPlexLibraries(wanted, deps, never),
    plan: async () => {
      const { steps, problems } = await planPlexLibraries(wanted, deps)
      return { steps: steps.map(describeStep), problems }
    },
    remove: () => removePlexLibraries(wanted, deps, never),
  }
}

t.test('both libraries, with what reads whole files switched off, and again without any change', async t => {
  const s = await scene(t)
  t.match(await s.plan(), { steps: [/^make the library Movies/, /^make the library TV/], problems: [] })
  t.match(await s.setUp(), { done: [/Movies/, /TV/], failed: [], left: [], problems: [] })
  t.match(s.plex.sections, [
    { title: 'Movies', type: 'movie', agent: 'tv.plex.agents.movie', scanner: 'Plex Movie', paths: [s.at('Movies')] },
    { title: 'TV', type: 'show', agent: 'tv.plex.agents.series', scanner: 'Plex TV Series', paths: [s.at('TV')] },
  ])
  for (const { title, settings } of s.plex.sections) {
    for (const id of analysis) t.match(settings[id], /^(0|false)$/, `${title}: ${id} is off`)
    t.equal(settings.enableCinemaTrailers, 'true', 'others are as they were')
  }
  s.plex.changes.length = 0
  t.match(await s.setUp(), { done: [], failed: [], left: [], problems: [] })
  t.same(s.plex.changes, [])
  t.same(s.plex.wrong, [], 'every request is as documented')
})

t.test('what was changed is changed back, and what is not ours is left and said', async t => {
  const s = await scene(t)
  await s.setUp()
  s.plex.sections[0]!.settings.enableBIFGeneration = 'true'
  t.match(await s.setUp(), {
    done: [/switches off what reads whole files: enableBIFGeneration$/],
    failed: [],
    left: [],
  })
  t.equal(s.plex.sections[0]!.settings.enableBIFGeneration, 'false')

  s.plex.preferences.autoEmptyTrash = '1'
  t.match(await adviceFor(s.deps.api), [/empties its trash after every scan/])
  t.match(await s.setUp(), { done: [], problems: [] })
  t.equal(s.plex.preferences.autoEmptyTrash, '1', "the server's own settings are its owner's")

  const theirs = { ...structuredClone(s.plex.sections[0]!), key: '900', title: 'Old films', paths: [s.theirs] }
  s.plex.sections.push(structuredClone(theirs))
  s.plex.sections[1]!.paths.push(s.theirs)
  t.match(await s.remove(), {
    done: [/remove the library Movies/],
    failed: [],
    left: [],
    problems: [/"TV" also has folders that are not ours: it stays/],
  })
  t.same(
    s.plex.sections.map(({ title }) => title),
    ['TV', 'Old films'],
  )
  t.strictSame(s.plex.sections[1], theirs)
})

t.test('a name that is taken', async t => {
  const s = await scene(t)
  await s.deps.api.createSection({
    ...{ title: 'Movies', type: 'movie', agent: 'a', scanner: 'b', paths: [s.theirs], language: 'en' },
  })
  await s.setUp()
  t.same(
    s.plex.sections.map(({ title, paths }) => [title, ...paths]),
    [
      ['Movies', s.theirs],
      ['Movies (reelport)', s.at('Movies')],
      ['TV', s.at('TV')],
    ],
  )
})

t.test('a path at which the host of Plex has nothing, or something else', async t => {
  const s = await scene(t)
  rmSync(s.at('TV'), { recursive: true })
  for (const name of movies) rmSync(join(s.at('Movies'), name), { recursive: true })
  mkdirSync(join(s.at('Movies'), 'Holiday 2019'))
  const report = await s.setUp()
  t.match(report, { done: [], failed: [], left: [] })
  t.match(report.problems, [/other things than we export as Movies: 0 of 2/, /no folder .*TV.*set plex.mount/])
  t.same(s.plex.sections, [], 'no library was made of it')
})

t.test('settings that are taken and not kept, and servers in trouble', async t => {
  const s = await scene(t)
  s.plex.fail(/^PUT .*prefs/, 500)
  const report = await s.setUp()
  t.match(report.failed, [{ step: /^make the library Movies/ }, { step: /^make the library TV/ }])
  t.match(report.left, [/^change settings of the library Movies/, /^change settings of the library TV/])
  s.plex.heal()
  t.match(await s.setUp(), { done: [/Movies/, /TV/], failed: [], left: [] })
})

t.test('only folders that changed are scanned, each once, and never a whole library', async t => {
  const s = await scene(t)
  await s.setUp()
  const scans = new PartialScans({
    ...{ api: () => s.deps.api, clock: s.clock, signal: never },
    libraries: () => s.wanted.libraries.map(({ path }) => path),
  })
  const heat = join(s.at('Movies'), 'Heat (1995)')
  const fargo = join(s.at('TV'), 'Fargo (2014)')
  scans.add([s.at('Movies'), heat, heat, `${fargo}/Season 01`, fargo, s.theirs])
  scans.add([heat])
  await scans.idle()
  const [first, second] = s.plex.sections
  t.same(s.plex.scans, [
    { section: first!.key, path: heat },
    { section: second!.key, path: fargo },
  ])
  t.match(scans.stats(), { waiting: 0, scanned: 2, dropped: 0 })

  s.plex.fail(/refresh$/, 503, 2)
  scans.add([heat])
  await scans.idle()
  t.equal(s.plex.scans.length, 3, 'a server in trouble is asked again')
  t.same(s.plex.wrong, [])
})

t.test('folders of a Windows machine are scanned, too', async t => {
  const s = await scene(t)
  const libraries = ['R:\\Movies', 'R:\\Movies 4K']
  for (const [at, path] of libraries.entries())
    s.plex.sections.push({
      ...{ key: String(at), title: `Films ${at}`, type: 'movie', agent: 'a', scanner: 'b', language: 'en' },
      ...{ paths: [path], settings: {} },
    })
  const scans = new PartialScans({
    ...{ api: () => s.deps.api, clock: s.clock, signal: never },
    libraries: () => libraries,
  })
  scans.add([
    'R:\\Movies 4K',
    'R:\\Movies 4K\\Heat (1995)',
    'R:\\Movies\\Heat (1995)',
    'R:\\Movies\\Heat (1995)\\Extras',
  ])
  await scans.idle()
  t.same(s.plex.scans, [
    { section: '1', path: 'R:\\Movies 4K\\Heat (1995)' },
    { section: '0', path: 'R:\\Movies\\Heat (1995)' },
  ])
})

t.test('a server from before the API was described', async t => {
  const s = await scene(t, { isOld: true })
  t.match(await s.setUp(), { done: [/Movies/, /TV/], failed: [], left: [], problems: [] })
  t.match(s.plex.sections, [
    { title: 'Movies', type: 'movie', paths: [s.at('Movies')] },
    { title: 'TV', type: 'show', paths: [s.at('TV')] },
  ])
  const folder = join(s.at('Movies'), 'Heat (1995)')
  await s.deps.api.scanFolder(s.plex.sections[0]!.key, folder)
  t.match(s.plex.scans, [{ path: folder }])
  t.same(s.plex.wrong, [])
})
