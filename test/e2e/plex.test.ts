import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { PlexServer, simToken } from '../lib/plex-server.ts'
import { without } from '../lib/programs.ts'
import { reelport } from '../lib/reelport.ts'
import { publishedFiles, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** The whole server and its command beside a Plex server that fetches the real tuner's documents and guide. */

t.setTimeout(240_000)

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
  t.notMatch(readFileSync(join(data, 'plex.json'), 'utf8'), simToken)
  const everything = [unlinked, linked, planned, done, again, status, manual, removed]
  for (const { stdout, stderr } of everything) t.notMatch(stdout + stderr, simToken, 'the token is never shown')
})

t.test('without a server that answers', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const served = await serveDemo(t, {
    demo: { catalogue: { films: 2, minBytes: 10_000, maxBytes: 20_000 } },
    flags: { 'tuner-discovery': 'off', 'plex-url': 'http://127.0.0.1:1', 'plex-token': simToken },
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
