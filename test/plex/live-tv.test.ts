import t, { type Test } from 'tap'
import type { AnyStep } from '../../src/lib/run-plan.ts'
import { plexApi } from '../../src/plex/api.ts'
import { planLiveTv, removeLiveTv, setUpLiveTv } from '../../src/plex/live-tv.ts'
import { describeStep } from '../../src/plex/run.ts'
import { clientOf, hastyClock } from '../lib/plex-client.ts'
import { PlexServer, type SimOptions } from '../lib/plex-server.ts'
import { ServedTuners } from '../lib/plex-tuners.ts'

const never = new AbortController().signal

/** A server, tuners, and set-up between them. */
async function scene(t: Test, counts: readonly number[], options: Partial<SimOptions> = {}) {
  const clock = hastyClock()
  const plex = await PlexServer.start({ now: clock.now, ...options })
  const tuners = await ServedTuners.start(t.testdir(), counts)
  const http = clientOf(plex, { answerMs: 20_000 })
  t.teardown(async () => {
    await http[Symbol.asyncDispose]()
    await plex[Symbol.asyncDispose]()
    await tuners[Symbol.asyncDispose]()
  })
  const watch: { done?: (step: AnyStep) => void } = {}
  const onStep = (step: AnyStep, state: string) => void (state === 'done' && watch.done?.(step))
  const deps = { api: plexApi(http, never), clock, onStep }
  return {
    ...{ clock, plex, tuners, watch, deps },
    setUp: () => setUpLiveTv(tuners.wanted(), deps, never),
    plan: async () => (await planLiveTv(tuners.wanted(), deps)).steps.map(describeStep),
    remove: () => removeLiveTv(tuners.wanted(), deps, never),
    /** Forgets what was asked until now. */
    forget() {
      plex.changes.length = 0
    },
  }
}

type Scene = Awaited<ReturnType<typeof scene>>

/** Every device is there once, in a DVR of its own, with every channel mapped to the guide that is its own. */
function isRight(t: Test, { plex, tuners }: Scene, what: string): void {
  const wanted = tuners.wanted()
  const actual = wanted.tuners.map(({ deviceId }) => {
    const devices = plex.devices.filter(({ uuid }) => uuid.endsWith(deviceId))
    const dvrs = plex.dvrs.filter(dvr => dvr.devices.some(uuid => uuid.endsWith(deviceId)))
    const [device] = devices
    return {
      ...{ devices: devices.length, dvrs: dvrs.length, uri: device?.uri },
      guide: decodeURIComponent(dvrs[0]?.lineup ?? '').replace(/#.*/, ''),
      map: Object.fromEntries(
        device?.mappings.filter(({ enabled }) => enabled === '1').map(m => [m.deviceIdentifier, m.channelKey]) ?? [],
      ),
    }
  })
  const right = wanted.tuners.map(({ uri, guideUrl, channels }) => ({
    ...{ devices: 1, dvrs: 1, uri, guide: `lineup://tv.plex.providers.epg.xmltv/${guideUrl}` },
    map: Object.fromEntries(channels.map(({ number, guideId }) => [number, guideId])),
  }))
  t.strictSame(actual, right, what)
  t.same(plex.wrong, [], 'every request is as documented')
}

t.test('from nothing to all channels, and again without any change', async t => {
  const s = await scene(t, [20, 7])
  t.match(await s.plan(), [
    /^add the tuner reelport 1 \(1044AA10\): Plex does not know it$/,
    /^add the tuner reelport 2/,
    /^make a DVR/,
    /^make a DVR/,
    /^read the guide/,
    /^read the guide/,
    /^map the channels/,
    /^map the channels/,
  ])
  t.same(s.plex.changes, [], 'a plan changes nothing')
  const report = await s.setUp()
  t.match(report, { failed: [], left: [], problems: [] })
  t.equal(report.done.length, 8)
  isRight(t, s, 'all is as wanted')
  s.forget()
  t.same(await s.plan(), [])
  t.match(await s.setUp(), { done: [], failed: [], left: [], problems: [] })
  t.same(s.plex.changes, [], 'the second time changes nothing')
})

t.test('servers differ, and the outcome does not', async t => {
  const kinds: Record<string, Partial<SimOptions>> = {
    'that list one thing without a list': { singles: true },
    'that say nothing of a load': { isSilent: true },
    'that take a guide in slowly': { emptyMaps: 5, loadLooks: 9 },
    'that add only by the grabber': { onlyGrabberAdds: true },
  }
  for (const [kind, options] of Object.entries(kinds))
    await t.test(kind, async t => {
      const s = await scene(t, [12], options)
      t.match(await s.setUp(), { failed: [], left: [], problems: [] })
      isRight(t, s, kind)
    })
})

t.test('each thing that broke by itself is repaired, and nothing else is touched', async t => {
  const s = await scene(t, [10, 10])
  await s.setUp()
  const breakages: Record<string, () => void | Promise<void>> = {
    'a device is gone, and its DVR is empty': () => {
      const [device] = s.plex.devices.splice(1, 1)
      for (const dvr of s.plex.dvrs) dvr.devices = dvr.devices.filter(uuid => uuid !== device!.uuid)
    },
    'a device is gone, and so is its DVR': () => {
      const [device] = s.plex.devices.splice(1, 1)
      const at = s.plex.dvrs.findIndex(({ devices }) => devices.includes(device!.uuid))
      s.plex.dvrs.splice(at, 1)
    },
    'a DVR is gone': () => {
      s.plex.dvrs.shift()
      s.plex.devices[0]!.mappings = []
    },
    'the guide is somebody else’s': () => {
      s.plex.dvrs[0]!.lineup = 'lineup://tv.plex.providers.epg.xmltv/http%3A%2F%2F10.9.9.9%2Fold.xml#old'
    },
    'the address is an old one': () => {
      s.plex.devices[0]!.uri = 'http://10.9.9.9:5004'
    },
    'it is taken for dead': () => {
      s.plex.devices[0]!.status = 'dead'
    },
    'a batch truncated the map': () => {
      s.plex.devices[0]!.mappings.splice(3)
    },
    'channels were switched off': () => {
      for (const mapping of s.plex.devices[1]!.mappings.slice(0, 4)) mapping.enabled = '0'
    },
    'two channels have each other’s guide': () => {
      const [a, b] = s.plex.devices[0]!.mappings
      const key = a!.channelKey
      a!.channelKey = b!.channelKey
      b!.channelKey = key
    },
    'the guide was never read': () => {
      s.plex.dvrs[0]!.refreshedAt = undefined
    },
    'the lineup got more channels': () => s.tuners.set([14, 10]),
    'the lineup has fewer channels': () => s.tuners.set([9, 10]),
  }
  for (const [what, breakIt] of Object.entries(breakages)) {
    await breakIt()
    s.forget()
    t.not((await s.plan()).length, 0, `${what}: the plan says so`)
    t.match(await s.setUp(), { failed: [], left: [], problems: [] }, what)
    isRight(t, s, `${what}: repaired`)
    t.same(await s.plan(), [], `${what}: nothing is left`)
    t.equal(s.plex.dvrs.length, 2, `${what}: no DVR too many`)
  }
})

t.test('a server that keeps a device’s old address gets it anew', async t => {
  const s = await scene(t, [5], { keepsAddress: true })
  await s.setUp()
  s.plex.devices[0]!.uri = 'http://10.9.9.9:5004'
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  isRight(t, s, 'repaired')
})

t.test('what others have is never touched', async t => {
  const s = await scene(t, [6])
  const theirs = {
    ...{ key: '3', uuid: 'device://tv.plex.grabbers.hdhomerun/1053C0CA', uri: 'http://10.0.0.5', status: 'alive' },
    ...{ tuners: 2, channels: ['5.1'], mappings: [] },
  }
  const dvr = { key: '4', uuid: 'dvr-4', language: 'eng', lineup: 'lineup://tv.plex.providers.epg.onconnect/USA' }
  s.plex.devices.push(structuredClone(theirs))
  s.plex.dvrs.push({ ...dvr, devices: [theirs.uuid], refreshedAt: 5 })
  await s.setUp()
  isRight(t, s, 'ours is set up')
  t.match(await s.remove(), { failed: [], left: [], problems: [] })
  t.strictSame(s.plex.devices, [theirs])
  t.strictSame(s.plex.dvrs, [{ ...dvr, devices: [theirs.uuid], refreshedAt: 5 }])

  await s.setUp()
  s.plex.dvrs.find(({ devices }) => devices.some(uuid => uuid.endsWith('1044AA10')))!.devices.push(theirs.uuid)
  s.plex.dvrs.splice(0, 1)
  s.plex.dvrs[0]!.lineup = 'lineup://tv.plex.providers.epg.onconnect/USA'
  s.forget()
  t.match(await s.setUp(), { done: [], problems: [/a device that is not ours, with another guide/] })
  t.same(s.plex.changes, [], 'a DVR with a device of theirs stays as it is')
})

t.test('tuners that no lineup has any more are removed', async t => {
  const s = await scene(t, [6, 6, 6])
  await s.setUp()
  s.tuners.set([6, 6])
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  t.equal(s.plex.devices.length, 2)
  t.equal(s.plex.dvrs.length, 2)
  isRight(t, s, 'the others are as they were')
})

t.test('an empty DVR that was ours is removed, and one of theirs is not', async t => {
  const s = await scene(t, [6])
  const empty = (key: string, address: string) => ({
    ...{ key, uuid: key, language: 'eng', devices: [], refreshedAt: 5 },
    lineup: `lineup://tv.plex.providers.epg.xmltv/${encodeURIComponent(address)}#x`,
  })
  s.plex.dvrs.push(empty('901', `${s.tuners.base}/d7/guide.xml`), empty('902', 'http://10.9.9.9/guide.xml'))
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  t.same(s.plex.dvrs.map(({ key }) => key).includes('901'), false)
  t.ok(s.plex.dvrs.some(({ key }) => key === '902'))
  t.equal(s.plex.dvrs.length, 2)
})

t.test('a lineup without any channel takes nothing away', async t => {
  const s = await scene(t, [6, 6])
  await s.setUp()
  s.forget()
  s.tuners.set([])
  t.match(await s.setUp(), { done: [], failed: [], left: [], problems: [/no tuner with channels yet/] })
  s.tuners.set([6, 0])
  t.match(await s.setUp(), { done: [], failed: [], left: [], problems: [/reelport 2 .* has no channels yet/] })
  t.same(s.plex.changes, [])
})

t.test('13 devices with 3,254 channels in one run', async t => {
  const s = await scene(t, [...Array.from({ length: 12 }, () => 231), 482])
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  isRight(t, s, 'all are mapped')
  t.equal(s.plex.devices.flatMap(({ mappings }) => mappings).length, 3_254)
  t.equal(s.plex.mostLoads, 3, 'three guides at a time')
  const maps = s.plex.changes.filter(change => change.includes('/channelmap'))
  t.equal(maps.length, 13, 'one complete map for each')
  t.ok(s.plex.longestLine < 8192 * 4.82, `a request line of ${s.plex.longestLine} bytes for 482 channels`)
})

t.test('a guide that changed is read again, at most once an hour', async t => {
  const s = await scene(t, [4])
  await s.setUp()
  s.tuners.guideModifiedAt = s.clock.now() + 1000
  t.same(await s.plan(), [], 'not yet')
  s.clock.pass(3_600_000)
  t.match(await s.plan(), [/^read the guide of reelport 1 .*: it has changed since$/])
  await s.setUp()
  t.same(await s.plan(), [])
})

t.test('channels that are in no guide are named, and not tried for ever', async t => {
  const s = await scene(t, [10])
  s.tuners.set([10], ['1003', '1004'])
  const report = await s.setUp()
  t.match(report, { failed: [], left: [], problems: [/finds 2 of 10 channels in no guide, such as 1003 Channel 1003/] })
  s.forget()
  await s.setUp()
  t.same(s.plex.changes, [])
})

t.test('nothing half-done is left unsaid', async t => {
  const requests: readonly [RegExp, RegExp][] = [
    [/^POST \/media\/grabbers/, /^add the tuner/],
    [/^POST \/livetv\/dvrs$/, /^make a DVR/],
    [/^POST .*reloadGuide/, /^read the guide/],
    [/^GET \/livetv\/epg\/channelmap/, /^map the channels/],
    [/^PUT .*channelmap/, /^map the channels/],
  ]
  for (const [request, step] of requests)
    for (const fault of [500, 'cut', 'garbage', 'close'] as const)
      await t.test(`${request.source}: ${fault}`, async t => {
        const s = await scene(t, [5])
        s.plex.fail(request, fault)
        const report = await s.setUp()
        t.match(report.failed, [{ step, reason: /\w/ }], 'the step that failed, and why')
        s.plex.heal()
        const behind = await s.plan()
        t.ok(behind.length > 0)
        const work = (steps: readonly string[]) => new Set(steps.map(step => step.replace(/: .*/, '')))
        const said = [...report.failed.map(({ step }) => step), ...report.left]
        t.strictSame(work(said), work(behind), 'what is left')
        t.match(await s.setUp(), { failed: [], left: [], problems: [] }, 'the next run goes on from there')
        isRight(t, s, 'and is complete')
      })
})

t.test('a server that reads no request as long as the map', async t => {
  const s = await scene(t, [5])
  s.plex.fail(/^PUT .*channelmap/, 414)
  t.match((await s.setUp()).failed, [{ step: /^map the channels/, reason: /status 414.*set tuner.maxChannels lower/ }])
})

t.test('a map that takes longer to write than anybody waits', async t => {
  const s = await scene(t, [5])
  s.plex.fail(/^PUT .*channelmap/, 'mute', 1)
  await using http = clientOf(s.plex, { maxAnswerMs: 300 })
  const report = await setUpLiveTv(s.tuners.wanted(), { ...s.deps, api: plexApi(http, never) }, never)
  t.match(report, { failed: [], left: [], problems: [] }, 'is looked for instead of written again')
  isRight(t, s, 'and is complete')
})

t.test('a guide that Plex cannot reach', async t => {
  const s = await scene(t, [5])
  const wanted = s.tuners.wanted()
  const unreachable = {
    ...wanted,
    tuners: wanted.tuners.map(one => ({ ...one, guideUrl: 'http://127.0.0.1:1/guide.xml' })),
  }
  const report = await setUpLiveTv(unreachable, s.deps, never)
  t.match(report.failed, [{ step: /^read the guide/, reason: /was told to read its guide and has not done so/ }])
  t.match(report.left, [/^map the channels/])
})

t.test('a server that goes away in the middle', async t => {
  const s = await scene(t, [5])
  s.plex.fail(/^GET \/media\/grabbers\/devices$/, 'close')
  await t.rejects(s.setUp(), { code: 'unreachable' }, 'before anything was done')
  t.same(s.plex.changes, [])
  s.plex.heal()
  s.watch.done = step => {
    if (step.do === 'create-dvr') s.plex.fail(/./, 'close')
  }
  const report = await s.setUp()
  t.match(report.done, [/^add the tuner/, /^make a DVR/])
  t.match(report.failed, [{ step: /^read the guide/ }, { step: /look at what is there now/, reason: /127.0.0.1/ }])
  t.match(report.left, [/^map the channels/])
})
