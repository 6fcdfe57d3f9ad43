import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { jellyfinApi, planSetup, remove, setUp } from '../../src/jellyfin/index.ts'
import { Secret } from '../../src/lib/secret.ts'

const never = new AbortController().signal
const key = 'jellyfin-key-0001'

type Row = Record<string, unknown>

/** Jellyfin as far as its API's description goes: a configuration of live TV, and libraries. */
async function scene(t: Test, apiKey = key) {
  const state = { TunerHosts: [] as Row[], ListingProviders: [] as Row[], libraries: [] as Row[] }
  const changes: string[] = []
  const trouble: { status?: number } = {}
  let next = 1
  /** A row with an id replaces the one that has it; without, it gets one. */
  const put = (rows: Row[], row: Row) => {
    const old = rows.findIndex(({ Id }) => Id === row.Id)
    if (row.Id !== undefined && old >= 0) rows[old] = row
    else rows.push({ ...row, Id: `id${next++}` })
  }
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://jellyfin')
    let text = ''
    for await (const piece of request) text += piece
    const body = text === '' ? {} : JSON.parse(text)
    const send = (status: number, document?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(document === undefined ? '' : JSON.stringify(document))
    }
    if (!String(request.headers.authorization).includes(`Token="${key}"`)) return send(401)
    if (trouble.status !== undefined && request.method !== 'GET') return send(trouble.status)
    if (request.method !== 'GET') changes.push(`${request.method} ${pathname}`)
    switch (`${request.method} ${pathname}`) {
      case 'GET /System/Configuration/livetv':
        return send(200, { TunerHosts: state.TunerHosts, ListingProviders: state.ListingProviders })
      case 'GET /Library/VirtualFolders':
        return send(200, state.libraries)
      case 'POST /LiveTv/TunerHosts':
        put(state.TunerHosts, body)
        return send(200, body)
      case 'POST /LiveTv/ListingProviders':
        put(state.ListingProviders, body)
        return send(200, body)
      case 'DELETE /LiveTv/TunerHosts':
        state.TunerHosts = state.TunerHosts.filter(({ Id }) => Id !== searchParams.get('id'))
        return send(204)
      case 'DELETE /LiveTv/ListingProviders':
        state.ListingProviders = state.ListingProviders.filter(({ Id }) => Id !== searchParams.get('id'))
        return send(204)
      case 'POST /Library/VirtualFolders': {
        const [Name, CollectionType] = [searchParams.get('name'), searchParams.get('collectionType')]
        const Locations = searchParams.getAll('paths')
        state.libraries.push({
          Name,
          CollectionType,
          Locations,
          ItemId: `id${next++}`,
          LibraryOptions: body.LibraryOptions,
        })
        return send(204)
      }
      case 'POST /Library/VirtualFolders/LibraryOptions':
        state.libraries.find(({ ItemId }) => ItemId === body.Id)!.LibraryOptions = body.LibraryOptions
        return send(204)
      case 'DELETE /Library/VirtualFolders':
        state.libraries = state.libraries.filter(({ Name }) => Name !== searchParams.get('name'))
        return send(204)
      default:
        return send(404)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { state, changes, trouble, api: jellyfinApi({ url, apiKey: new Secret(apiKey), version: '0' }, never) }
}

const base = 'http://10.0.0.5:5004'
const tuner = (deviceId: string, uri: string) => ({
  deviceId,
  name: `reelport ${deviceId}`,
  uri,
  guideUrl: `${uri}/guide.xml`,
})
const wanted = {
  base,
  tuners: [tuner('1044AA10', base), tuner('1044AA11', `${base}/d1`)],
  libraries: [
    { name: 'Movies', kind: 'movies' as const, path: '/mnt/reelport/Movies' },
    { name: 'TV', kind: 'shows' as const, path: '/mnt/reelport/TV' },
  ],
}

t.test('everything, once', async t => {
  const { state, changes, api } = await scene(t)
  t.equal((await planSetup(wanted, api)).steps.length, 6)
  t.same(changes, [])
  t.match(await setUp(wanted, api, never), { failed: [], left: [], problems: [] })
  t.match(state.TunerHosts, [
    { Type: 'hdhomerun', Url: base },
    { Type: 'hdhomerun', Url: `${base}/d1` },
  ])
  const [first, second] = state.TunerHosts
  t.match(state.ListingProviders, [
    { Type: 'xmltv', Path: `${base}/guide.xml`, EnableAllTuners: false, EnabledTuners: [first!.Id] },
    { Type: 'xmltv', Path: `${base}/d1/guide.xml`, EnableAllTuners: false, EnabledTuners: [second!.Id] },
  ])
  t.match(state.libraries, [
    { Name: 'Movies', CollectionType: 'movies', Locations: ['/mnt/reelport/Movies'] },
    { Name: 'TV', CollectionType: 'tvshows', Locations: ['/mnt/reelport/TV'] },
  ])
  t.match(state.libraries[0]!.LibraryOptions, { EnableTrickplayImageExtraction: false, EnableRealtimeMonitor: false })
  changes.length = 0
  t.match(await setUp(wanted, api, never), { done: [], failed: [], left: [], problems: [] })
  t.same(changes, [], 'again changes nothing')
})

t.test('what broke is repaired, what is not ours stays, and all of ours can be removed', async t => {
  const { state, api } = await scene(t)
  const theirs = { Id: 'a', Type: 'm3u', Url: 'http://10.0.0.9/list.m3u' }
  const folder = {
    Name: 'Movies',
    CollectionType: 'movies',
    Locations: ['/srv/films'],
    ItemId: 'b',
    LibraryOptions: {},
  }
  state.TunerHosts.push(theirs)
  state.libraries.push(folder)
  await setUp(wanted, api, never)
  t.ok(
    state.libraries.some(({ Name }) => Name === 'Movies (reelport)'),
    'a name that is taken',
  )
  const host = state.TunerHosts[1]!
  const isRight = async (what: string) => {
    t.match(await setUp(wanted, api, never), { failed: [], left: [], problems: [] }, what)
    t.equal(state.TunerHosts.length, 3, what)
    t.equal(state.ListingProviders.length, 2, what)
  }
  Object.assign(host, { Url: 'http://10.0.0.7:5004', DeviceId: '1044AA10' })
  await isRight('an old address')
  state.ListingProviders.pop()
  await isRight('a guide that is gone')
  state.ListingProviders[0]!.EnabledTuners = []
  await isRight('a guide for no tuner')
  state.TunerHosts.push({ Id: 'c', Type: 'hdhomerun', Url: `${base}/d9` })
  await isRight('a tuner of a former lineup')
  const options = state.libraries[1]!.LibraryOptions as Row
  options.EnableChapterImageExtraction = true
  await isRight('a setting')
  t.notOk((state.libraries[1]!.LibraryOptions as Row).EnableChapterImageExtraction)
  t.match(await remove(wanted, api, never), { failed: [], left: [], problems: [] })
  t.strictSame([state.TunerHosts, state.ListingProviders, state.libraries], [[theirs], [], [folder]])
})

t.test('a server that refuses', async t => {
  const stranger = await scene(t, 'another-key-00')
  await t.rejects(planSetup(wanted, stranger.api), { code: 'unauthorized', message: /set jellyfin.apiKey/ })
  const { api, trouble } = await scene(t)
  trouble.status = 500
  const report = await setUp(wanted, api, never)
  t.equal(report.done.length, 0)
  t.match(report.failed[0]?.reason, /Cannot add a tuner at 127.0.0.1:\d+: it answered with status 500/)
  t.equal(report.failed.length + report.left.length, 6, 'every step is in the report')
  t.notMatch(JSON.stringify(report), key)
})
