import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findProgram, run, without } from '../../lib/programs.ts'
import { type LineupRow, scene, taste } from '../../lib/served-live.ts'
import { until } from '../../lib/until.ts'

/** Programs that others wrote, as clients of the tuner. */

interface ChannelReport {
  readonly number: string
  readonly upstreams: readonly { readonly locator: string }[]
}

/** The channel of the lineup that is the demo's channel of this id. */
function rowOf(id: number, channels: readonly ChannelReport[], rows: readonly LineupRow[]): LineupRow {
  const target = new RegExp(`\\blive/${id}\\b`)
  const channel = channels.find(({ upstreams }) => upstreams.some(({ locator }) => target.test(locator)))
  const row = rows.find(({ GuideNumber }) => GuideNumber === channel?.number)
  if (row === undefined) throw new Error(`live/${id} is not in the lineup`)
  return row
}

interface MediaTrack {
  readonly '@type': string
  readonly Format?: string
  readonly Width?: string
  readonly Height?: string
  /** Of the first timestamp, in seconds. */
  readonly Delay?: string
  readonly SamplingRate?: string
  readonly Channels?: string
}

t.test('mediainfo sees the picture and the sound that the provider sends', { skip: without('mediainfo') }, async t => {
  const { served, rows, api } = await scene(t)
  const channels = (await api('/api/channels?limit=100')) as readonly ChannelReport[]
  // A transport stream, fragmented MP4, one that is encrypted, and one with its sound apart and without a container.
  for (const id of [302, 305, 306, 311]) {
    const { URL, GuideName } = rowOf(id, channels, rows)
    const file = join(t.testdir(), 'stretch.ts')
    writeFileSync(file, await taste(URL, 150_000))
    const { stdout } = await run('mediainfo', ['--Output=JSON', file])
    const tracks = (JSON.parse(stdout) as { media: { track: readonly MediaTrack[] } }).media.track
    const of = (type: string) => tracks.filter(track => track['@type'] === type)
    const picture = served.demo.live(id).tracks[0]!.picture!
    t.match(of('General'), [{ Format: 'MPEG-TS' }], GuideName)
    const shape = { Width: String(picture.width), Height: String(picture.height) }
    t.match(of('Video'), [{ Format: 'AVC', ...shape }], GuideName)
    t.match(of('Audio'), [{ Format: 'AAC', SamplingRate: '48000', Channels: '2' }], GuideName)
    const apart = Number(of('Video')[0]!.Delay) - Number(of('Audio')[0]!.Delay)
    // Playlists of their own may have been read a segment (2 s) apart.
    t.ok(Math.abs(apart) < 3, `${GuideName}: they begin ${apart} s apart`)
  }
})

t.test('a damaged channel is decoded without an error when it is told so', { skip: without('ffmpeg') }, async t => {
  const { served, rows, api } = await scene(t, { flags: { 'guide-schedule': 'off' } })
  const channels = (await api('/api/channels?limit=100')) as readonly ChannelReport[]
  const allGone = () => until('it to be free', () => served.app.status().live!.sessions.length === 0)
  const watch = async (url: string) => {
    const args = ['-nostdin', '-v', 'error', '-i', url, '-map', '0:v', '-t', '6', '-f', 'framemd5', '-']
    const { status, stdout, stderr } = await run('ffmpeg', args)
    await allGone()
    t.equal(status, 0)
    return { pictures: stdout.split('\n').filter(line => line.startsWith('0,')).length, errors: stderr }
  }
  // Of every segment the same packets are missing: not the first of them, or there would be no picture to begin with.
  served.demo.faults.answers['live/*'] = { corrupt: { lostPerThousand: 5, seed: 7 } }
  // As a transport stream, and in segments.
  for (const id of [310, 303]) {
    const { URL, GuideNumber } = rowOf(id, channels, rows)
    t.match(
      (await watch(URL)).errors,
      /error while decoding|concealing|Missing reference|too large|invalid/,
      `live/${id}`,
    )
    t.match(await reelport(served.config.data, 'channels', 'set', GuideNumber, 'dropCorrupt=true'), { status: 0 })
    const { pictures, errors } = await watch(URL)
    t.equal(errors, '', `live/${id} with dropCorrupt`)
    t.ok(pictures > 0 && pictures < 150, `${pictures} pictures of 150`)
  }
})

function reelport(data: string, ...args: string[]) {
  const main = join(import.meta.dirname, '../../../src/cli/main.ts')
  return run(process.execPath, ['--conditions=@nfs/source', main, ...args, '--data', data], { env: { NO_COLOR: '1' } })
}

/** `hdhomerun_discover_find_devices_custom_v3`, and its `hdhomerun_discover_device_v3_t`, of libhdhomerun 20220303. */
const finder = `
import ctypes, json, sys
library = ctypes.CDLL("libhdhomerun.so.4")
class Device(ctypes.Structure):
    _fields_ = [("ip_addr", ctypes.c_uint32), ("device_type", ctypes.c_uint32), ("device_id", ctypes.c_uint32),
        ("tuner_count", ctypes.c_uint8), ("is_legacy", ctypes.c_bool), ("device_auth", ctypes.c_char * 25),
        ("base_url", ctypes.c_char * 29), ("storage_id", ctypes.c_char * 37), ("lineup_url", ctypes.c_char * 128),
        ("storage_url", ctypes.c_char * 128)]
find = library.hdhomerun_discover_find_devices_custom_v3
find.argtypes = [ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(Device), ctypes.c_int]
valid = library.hdhomerun_discover_validate_device_id
valid.restype, valid.argtypes = ctypes.c_bool, [ctypes.c_uint32]
found = (Device * 8)()
count = find(0x7f000001, 1, int(sys.argv[1], 16), found, 8)
print(json.dumps([{"ip": device.ip_addr, "type": device.device_type, "id": "%08X" % device.device_id,
    "valid": valid(device.device_id), "tuners": device.tuner_count, "legacy": device.is_legacy,
    "base": device.base_url.decode(), "lineup": device.lineup_url.decode()} for device in found[:max(count, 0)]]))
`

const loads = ['-c', 'import ctypes; ctypes.CDLL("libhdhomerun.so.4")']
const hasLibrary = findProgram('python3') !== undefined && spawnSync('python3', loads).status === 0
const noLibrary = !hasLibrary && 'not installed: python3, libhdhomerun4'

t.test('the library that media servers find tuners with finds ours', { skip: noLibrary }, async t => {
  const { url, rows } = await scene(t, { flags: { 'tuner-discovery': 'on' } })
  const device = (await (await fetch(`${url}/discover.json`)).json()) as Readonly<Record<string, string | number>>
  const found = async (id: string) => JSON.parse((await run('python3', ['-c', finder, id])).stdout)
  const expected = {
    ...{ ip: 0x7f000001, type: 1, id: device.DeviceID, valid: true, tuners: device.TunerCount, legacy: false },
    ...{ base: device.BaseURL, lineup: device.LineupURL },
  }
  t.strictSame(await found('FFFFFFFF'), [expected], 'whoever is there')
  t.strictSame(await found(String(device.DeviceID)), [expected], 'by its id')
  t.strictSame(await found('1044AA32'), [], 'another one is not')
  t.strictSame(await (await fetch(expected.lineup as string)).json(), rows)
})
