import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startPlex } from '../../src/app/plex.ts'
import { loadConfig } from '../../src/config/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { hastyClock } from '../lib/plex-client.ts'
import { PlexServer, simToken } from '../lib/plex-server.ts'
import { ServedTuners } from '../lib/plex-tuners.ts'
import { until } from '../lib/until.ts'

/** Two servers of one owner, and our tuners. */
async function scene(t: Test) {
  const clock = hastyClock()
  const [home, cabin] = [await PlexServer.start({ now: clock.now }), await PlexServer.start({ now: clock.now })]
  for (const { preferences } of [home, cabin]) preferences.autoEmptyTrash = '0'
  const data = mkdtempSync(join(tmpdir(), 'reelport-plex-'))
  const tuners = await ServedTuners.start(join(data, 'guides'), [6, 4])
  const file = join(data, 'reelport.yaml')
  writeFileSync(
    file,
    [
      `tuner: { baseUrl: "${tuners.base}" }`,
      `plex: { url: "${home.url.href}", token: ${simToken}, libraries: false, watch: off }`,
      `plexServers: [{ name: cabin, url: "${cabin.url.href}" }]`,
    ].join('\n'),
    { mode: 0o600 },
  )
  const config = { ...loadConfig({ file, cwd: data, env: {} }), data }
  const catalog = {
    root: 16,
    node: () => undefined,
    child: () => undefined,
    children: () => [],
    collectedTitles: () => [],
  }
  const served = () =>
    tuners
      .wanted()
      .tuners.map((tuner, index) => ({ index, ...tuner, channels: tuner.channels.map(one => ({ ...one })) }))
  const repaired: unknown[] = []
  const start = () => {
    const plex = startPlex(
      { config, version: '0' },
      {
        ...{ catalog, tuners: served, nfsPort: () => 2049, log: silentLog, clock },
        onRepaired: (...told) => void repaired.push(told),
      },
    )
    plex.listening(5004)
    return plex
  }
  t.teardown(async () => {
    await home[Symbol.asyncDispose]()
    await cabin[Symbol.asyncDispose]()
    await tuners[Symbol.asyncDispose]()
    rmSync(data, { recursive: true, force: true })
  })
  const finished = (plex: ReturnType<typeof start>) =>
    until('runs to end', () => {
      const all = plex.status()
      return all.every(({ run }) => run?.isRunning !== true) && all
    })
  return { home, cabin, data, start, finished, tuners, repaired }
}

const mapped = ({ devices }: PlexServer) => devices.flatMap(({ mappings }) => mappings).length

t.test('several servers are set up by one command, and one that fails does not keep the other from it', async t => {
  const s = await scene(t)
  await using plex = s.start()
  t.throws(() => plex.act({ do: 'setup', server: 'attic' }), { status: 404, message: /known: plex, cabin/ })
  t.throws(() => plex.act({ do: 'dance' }), { status: 400, message: /plan, setup, remove or manual/ })
  s.cabin.fail(/^POST \/livetv\/dvrs$/, 500)
  t.same(plex.act({ do: 'setup' }), {
    runs: [
      { name: 'plex', run: 1 },
      { name: 'cabin', run: 1 },
    ],
  })
  t.throws(() => plex.act({ do: 'setup' }), { status: 409, message: /is being worked on/ })
  const [home, cabin] = await s.finished(plex)
  t.match(home, { isSetUp: true, isWell: true, problems: [], tuners: [{ mapped: 6 }, { mapped: 4 }] })
  t.match(cabin, { isSetUp: true, isWell: false, server: { name: 'Den' } })
  t.match(cabin!.run?.report?.failed, [{ step: /^make a DVR/, reason: /status 500/ }, { step: /^make a DVR/ }])
  t.match(cabin!.problems, [/^still to be done: make a DVR/])
  t.equal(mapped(s.home), 10)
  t.notMatch(JSON.stringify(plex.status()), simToken)
})

t.test('what was set up is watched over restarts, until it is removed', async t => {
  const s = await scene(t)
  {
    await using plex = s.start()
    plex.act({ do: 'setup', server: 'cabin' })
    await s.finished(plex)
  }
  t.equal(mapped(s.home), 0, 'the other was not asked for')
  s.cabin.devices[0]!.mappings = []
  {
    await using plex = s.start()
    await until('the watch to repair it', () => mapped(s.cabin) === 10)
    const [home, cabin] = await until('it to be noted', () => plex.status()[1]!.isWell && plex.status())
    t.match(cabin, { isSetUp: true, repairs: 1 })
    t.same(s.repaired, [['cabin', 1]])
    t.match(home, { isSetUp: false, isWell: undefined }, 'nobody set it up: nothing was asked of it')
    t.same(s.home.asked, [])
    plex.act({ do: 'remove', server: 'cabin' })
    await s.finished(plex)
  }
  t.same([s.cabin.devices, s.cabin.dvrs], [[], []])
  t.match(JSON.parse(readFileSync(join(s.data, 'plex.json'), 'utf8')), { setUp: [] })
  const asked = s.cabin.asked.length
  {
    await using plex = s.start()
    t.match(plex.status()[1], { isSetUp: false })
  }
  t.equal(s.cabin.asked.length, asked, 'it is watched no more')
})

t.test('a server that is away is said to be, and found again', async t => {
  const s = await scene(t)
  {
    await using plex = s.start()
    plex.act({ do: 'setup', server: 'cabin' })
    await s.finished(plex)
  }
  s.cabin.fail(/./, 'close')
  await using plex = s.start()
  await until('it to be missed', () => plex.status()[1]!.isWell === false)
  t.match(plex.status()[1]!.problems, [/connection was closed/])
  s.cabin.heal()
  plex.listening(5004)
  await until('it to be found again', () => plex.status()[1]!.isWell)
})
