import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { PlexServer, simToken } from '../lib/plex-server.ts'
import { without } from '../lib/programs.ts'
import { reelport, startServer } from '../lib/reelport.ts'
import { publishedFiles, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** The whole server and its command beside a Plex server that fetches the real tuner's documents and guide. */

t.test('reelport plex, from linking to removing', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const plex = await PlexServer.start({ now: Date.now, loadLooks: 0 })
  t.teardown(() => plex[Symbol.asyncDispose]())
  plex.preferences.autoEmptyTrash = '0'
  const mount = t.testdir()
  const served = await serveDemo(t, {
    demo: { maxConnections: 4 },
    flags: {
      'tuner-discovery': 'off',
      'guide-placeholders': 'true',
      'plex-url': plex.url.href,
      'plex-mount': mount,
      'plex-collections': 'true',
      'plex-preferences': join(mount, 'no-such-file'),
    },
  })
  const { data } = served.config
  const { url } = served.app.http
  const cli = (...args: string[]) => reelport(['plex', ...args, '--data', data, '--plex-sign-in', plex.url.href])
  for (const { path } of await publishedFiles(served)) mkdirSync(join(mount, dirname(path)), { recursive: true })
  const lineup = await until('a lineup and its guide', async () => {
    const [rows, guide] = await Promise.all([fetch(`${url}/lineup.json`), fetch(`${url}/guide.xml`)])
    await guide.body?.cancel()
    return rows.ok && guide.ok && ((await rows.json()) as { GuideNumber: string }[])
  })

  const unlinked = await cli('setup', '--dry-run')
  t.not(unlinked.code, 0)
  t.match(unlinked.stderr, /No token for Plex.*Run reelport plex link, or set plex.token/)
  const linked = await cli('link')
  t.equal(linked.code, 0)
  t.match(linked.stderr, /enter the code AB12/)
  t.equal(statSync(join(data, 'plex.token')).mode & 0o777, 0o600, 'only we can read the token')

  const planned = await cli('setup', '--dry-run')
  t.equal(planned.code, 0)
  t.match(planned.stdout, /Would be done:\n {2}add the tuner reelport.*\n {2}make a DVR[\s\S]*make the library Movies/)
  t.same(
    plex.changes.filter(change => !change.includes('pins')),
    [],
    'and nothing was',
  )

  const done = await cli('setup')
  t.equal(done.code, 0, done.stdout + done.stderr)
  t.match(plex.sections, [{ title: 'Movies' }, { title: 'TV' }])
  const [device] = plex.devices
  t.same(
    device?.mappings.map(({ deviceIdentifier }) => deviceIdentifier).toSorted(),
    lineup.map(({ GuideNumber }) => GuideNumber).toSorted(),
    'every channel is mapped',
  )
  const guide = await (await fetch(`${url}/guide.xml`)).text()
  for (const { deviceIdentifier, channelKey } of device?.mappings ?? []) {
    const names = guide.split(`<channel id="${channelKey}">`)[1]?.split('</channel>')[0] ?? ''
    t.match(names, `>${deviceIdentifier}<`, `${deviceIdentifier} has the guide of its own`)
  }
  t.same(plex.wrong, [], 'every request is as documented')

  const again = await cli('setup')
  t.match(again.stdout, 'Plex has everything already.')
  const status = await cli('status')
  t.equal(status.code, 0)
  t.match(status.stdout, /Den, version 1\.41.* as it should be/)
  t.match(status.stdout, `${lineup.length} of ${lineup.length} channels mapped`)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.match(metrics, /^reelport_plex_well\{server="plex"\} 1$/m)
  t.match(metrics, new RegExp(`^reelport_plex_mapped_channels.server="plex". ${lineup.length}$`, 'm'))

  // What Plex finds when it has scanned: films, and episodes of shows.
  const shows = new Map<string, string>()
  const films = new Map<string, string>()
  const keyOf = (title: string) => {
    films.set(title, films.get(title) ?? String(1000 + films.size)) // several files of a film are one item
    return films.get(title)!
  }
  for (const { path, kind } of await publishedFiles(served)) {
    const [, , title = ''] = path.split('/')
    if (kind === 'series') shows.set(title, shows.get(title) ?? String(9000 + shows.size))
    const section = plex.sections.find(({ title }) => title === (kind === 'movie' ? 'Movies' : 'TV'))!.key
    const show = shows.get(title)
    plex.films.push({
      ...{
        section,
        ratingKey: kind === 'series' ? String(5000 + plex.films.length) : keyOf(title),
        file: join(mount, path),
      },
      ...(kind === 'series' && show !== undefined && { show }),
    })
  }
  plex.collections.push({ section: plex.sections[0]!.key, ratingKey: '77', title: 'Mine', items: ['1000'] })
  const previewed = await cli('setup', '--dry-run')
  t.match(previewed.stdout, /make the collection /)
  const collected = await cli('setup')
  t.equal(collected.code, 0, collected.stdout + collected.stderr)
  const { username, password } = served.demo.credentials
  const ask = async (action: string) =>
    (await (
      await fetch(
        `${served.demo.url}/player_api.php?username=${username.reveal()}&password=${password.reveal()}&action=${action}`,
      )
    ).json()) as { category_id: string; category_ids?: readonly number[]; category_name: string }[]
  const sizes = new Map<string, number>()
  const categories = new Map((await ask('get_vod_categories')).map(row => [String(row.category_id), row.category_name]))
  for (const { category_id, category_ids = [] } of await ask('get_vod_streams')) {
    for (const id of new Set([String(category_id), ...category_ids.map(String)])) {
      const name = categories.get(id) ?? ''
      sizes.set(name, (sizes.get(name) ?? 0) + 1)
    }
  }
  const made = plex.collections.filter(({ section }) => section === plex.sections[0]!.key)
  t.ok(made.length > 2)
  for (const { title, items } of made)
    if (title !== 'Mine') t.ok(items.length > 0 && items.length <= (sizes.get(title) ?? 0), `${title}: ${items.length}`)
  const ofShows = plex.collections.filter(({ section }) => section === plex.sections[1]!.key)
  t.ok(ofShows.length > 0)
  t.ok(
    ofShows.every(({ items }) => items.every(item => [...shows.values()].includes(item))),
    'collections of shows hold shows, not episodes',
  )
  const changes = plex.changes.length
  t.match((await cli('setup')).stdout, 'Plex has everything already.')
  t.equal(plex.changes.length, changes)
  t.same(plex.wrong, [], 'every request is as documented')

  device!.mappings = []
  await served.stop()
  await served.start()
  await until('the watch to map the channels again', () => plex.devices[0]?.mappings.length === lineup.length)

  const manual = await cli('manual')
  t.match(manual.stdout, `${url}/guide.xml`)
  t.match(manual.stdout, join(mount, 'Movies'))

  const removed = await cli('remove')
  t.equal(removed.code, 0, removed.stdout + removed.stderr)
  t.same([plex.devices, plex.dvrs, plex.sections], [[], [], []])
  t.match(plex.collections, [{ title: 'Mine' }], 'what a person made is left')
  t.notMatch(readFileSync(join(data, 'plex.json'), 'utf8'), simToken)
  const everything = [unlinked, linked, planned, done, again, status, manual, removed]
  for (const { stdout, stderr } of everything) t.notMatch(stdout + stderr, simToken, 'the token is never shown')
})

t.test('without a server that answers', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const tokenFile = join(t.testdir({ token: simToken }), 'token')
  const served = await serveDemo(t, {
    demo: { catalogue: { films: 2, minBytes: 10_000, maxBytes: 20_000 } },
    flags: { 'tuner-discovery': 'off', 'plex-url': 'http://127.0.0.1:1', 'plex-token-file': tokenFile },
  })
  const cli = (...args: string[]) => reelport(['plex', ...args, '--data', served.config.data])
  const setup = await cli('setup')
  t.equal(setup.code, 69)
  t.match(setup.stderr, /127\.0\.0\.1:1: nothing listens there/)
  const manual = await cli('manual')
  t.equal(manual.code, 0, 'the steps by hand are there all the same')
  t.match(manual.stdout, /Mount the export on the host of Plex/)
  const jellyfin = await reelport(['jellyfin', '--data', served.config.data])
  t.equal(jellyfin.code, 0)
  t.match(jellyfin.stdout, /Dashboard, Libraries[\s\S]*\/mnt\/reelport\/Movies/, 'and those for Jellyfin')
  const apply = await reelport(['jellyfin', 'apply', '--data', served.config.data])
  t.match(apply.stderr, /set jellyfin.url and jellyfin.apiKey/)
})

t.test('who links before anything was ever started is signed in when it is', { skip: without('ffmpeg') }, async t => {
  const plex = await PlexServer.start({ now: Date.now })
  t.teardown(() => plex[Symbol.asyncDispose]())
  const data = join(t.testdir(), 'not', 'there', 'yet')
  const linked = await reelport(['plex', 'link', '--data', data, '--plex-sign-in', plex.url.href])
  t.equal(linked.code, 0, linked.stderr)
  const free = ['--nfs-host', '127.0.0.1', '--nfs-port', '0', '--http-host', '127.0.0.1', '--http-port', '0']
  const quiet = ['--nfs-portmap', 'off', '--tuner-discovery', 'off']
  await using server = startServer(['--demo', '--data', data, '--plex-url', plex.url.href, ...free, ...quiet])
  await server.ready
  const planned = await reelport(['plex', 'setup', '--dry-run', '--data', data])
  t.equal(planned.code, 0, planned.stderr)
})
