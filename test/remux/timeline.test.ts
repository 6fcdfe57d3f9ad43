import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type OutlineSegment, openComposer, RemuxError } from '../../src/remux/index.ts'
import { without } from '../lib/programs.ts'
import { ffmpeg, inputs, joined, readTitle, scratch, type Title } from './hls.ts'
import { packetsOf } from './judge.ts'
import { fileOf, MemorySource, planOf, readRange } from './memory-source.ts'

/** Playlists whose durations are not those of their segments. */
const skip = without('ffmpeg', 'ffprobe')
const directory = skip ? '' : scratch()
const titles = skip ? {} : { mpegts: await makeTitle('mpegts'), fmp4: await makeTitle('fmp4') }

/** A clip of 4 s, twice, in segments of 1 s. */
async function makeTitle(type: string): Promise<Title> {
  const path = join(directory, `${type}.m3u8`)
  await ffmpeg(
    ...[...inputs(4), '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '2', '-c:a', 'aac'],
    ...['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0', '-hls_segment_type', type],
    ...['-hls_fmp4_init_filename', `${type}-init.mp4`, path],
  )
  return readTitle([{ kind: 'main', path: joined(directory, [path, path]) }])
}

/** The title with other segments in its playlist. */
function playlistOf(title: Title, change: (segment: OutlineSegment, at: number) => Partial<OutlineSegment>): Title {
  const [track] = title.outline.tracks
  const segments = track!.segments.map((segment, at) => ({ ...segment, ...change(segment, at) }))
  return { ...title, outline: { ...title.outline, tracks: [{ ...track!, segments }] } }
}

async function bytesOf(title: Title): Promise<Buffer> {
  await using composer = openComposer({ source: new MemorySource(title), onFound: () => {} })
  return await readRange(composer, fileOf(title), 0)
}

async function reasonOf(title: Title): Promise<string | undefined> {
  try {
    await bytesOf(title)
    return undefined
  } catch (error) {
    if (error instanceof RemuxError) return error.reason
    throw error
  }
}

for (const [type, title] of Object.entries(titles)) {
  const write = async (changed: Title) => {
    const path = join(directory, `${type}.mp4`)
    writeFileSync(path, await bytesOf(changed))
    return path
  }

  t.test(`the last segment of a run is shown faster when the playlist is too short, ${type}`, async t => {
    const path = await write(playlistOf(title, () => ({ seconds: 0.9 })))
    for (const stream of ['v:0', 'a:0']) {
      const packets = await packetsOf(path, stream)
      t.ok(
        packets.every(({ dts }, at) => at === 0 || dts > packets[at - 1]!.dts),
        `${stream}: decode times go up`,
      )
      const begin = packets.find(({ dts }) => dts > 3.55)!
      t.ok(
        packets.some(({ dts }) => dts > 3.4 && dts < 3.6),
        `${stream}: and go on up to the next run`,
      )
      t.ok(begin.dts < 3.7, `${stream}: which begins when the playlist says`)
    }
  })

  t.test(`a run that is much longer than its playlist says, ${type}`, async t => {
    t.equal(await reasonOf(playlistOf(title, () => ({ seconds: 0.8 }))), 'durations')
  })

  t.test(`segments that are far from where the playlist has them, ${type}`, async t => {
    t.equal(await reasonOf(playlistOf(title, (_, at) => (at === 0 ? { seconds: 60 } : {}))), 'times')
  })

  t.test(`gaps keep their time, at the beginning too, ${type}`, async t => {
    const path = await write(playlistOf(title, (_, at) => ({ gap: at === 0 || at === 2 })))
    const times = (await packetsOf(path, 'v:0')).map(({ dts }) => dts)
    t.ok(Math.abs(times[0]! - 1) < 0.1, `begins at ${times[0]} s`)
    t.notOk(
      times.some(time => time > 2.1 && time < 2.9),
      'nothing is there',
    )
    t.ok(
      times.some(time => time > 3 && time < 3.2),
      'and it goes on when it should',
    )
  })

  t.test(`a segment that ends with its first packet, ${type}`, async t => {
    const [first] = title.segments[0]!
    const segments = [title.segments[0]!.with(1, first!.slice(0, 188))]
    const lengths = [{ ...title.lengths[0]!, segments: segments[0]!.map(({ length }) => length) }]
    const error = await bytesOf({ ...title, segments, lengths }).catch(error => error)
    t.ok(error instanceof RemuxError, String(error))
  })

  t.test(`encrypted segments are shorter than they were announced, ${type}`, async t => {
    const changed = playlistOf(title, () => ({ encrypted: true }))
    const padded = changed.lengths.map(({ segments, maps }) => ({
      maps,
      segments: segments.map(length => length! + 16),
    }))
    const bytes = await bytesOf({ ...changed, lengths: padded })
    t.equal(bytes.length, planOf({ ...changed, lengths: padded }).size)
    for (const more of [0, 17]) {
      const others = padded.map(own => ({ ...own, segments: own.segments.map(length => length - 16 + more) }))
      await t.rejects(bytesOf({ ...changed, lengths: others }), { code: 'changed' }, `${more} bytes of padding`)
    }
  })
}
