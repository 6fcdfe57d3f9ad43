import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openComposer } from '../../src/remux/index.ts'
import { without } from '../lib/programs.ts'
import { ffmpeg, inputs, joined, type MediaPlaylist, packed, readTitle, scratch, type Title } from './hls.ts'
import { contentsOf, factsOf, framesOf, packetsOf } from './judge.ts'
import { fileOf, MemorySource, planOf, readRange } from './memory-source.ts'

const skip = without('ffmpeg', 'ffprobe')
const directory = skip ? '' : scratch()
const h264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '50', '-bf', '2']
const hls = ['-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod', '-hls_list_size', '0']

let made = 0

/** Makes a title with these ffmpeg arguments, one playlist. */
async function single(args: readonly string[]): Promise<MediaPlaylist[]> {
  const path = join(directory, `${made++}.m3u8`)
  const fragmented = ['-hls_fmp4_init_filename', `${made}-init.mp4`]
  const ending = args.includes('fmp4') ? '.m4s' : '.ts'
  await ffmpeg(...args, ...hls, ...fragmented, '-hls_segment_filename', path.replace('.m3u8', `-%03d${ending}`), path)
  return [{ kind: 'main', path }]
}

interface Expectations {
  /** Streams of each playlist, in the file's order. */
  readonly streams?: readonly (readonly string[])[]
  /** False where timestamps begin anew, which ffmpeg hands on as it finds them. */
  readonly sameTimes?: boolean
  /** What a stream has to hold: decoded frames, where packets differ with the container. */
  readonly compare?: (path: string, stream: string) => Promise<string[]>
  /** What the file is held against instead of its playlist: these playlists one after another. */
  readonly sources?: readonly string[]
}

/** ffmpeg 5.1 gives the first packet of sound without pictures a wrong time, and those of the same PES packet, too. */
const unsettledPackets = 16

/** Writes the file that a title becomes, and holds it against what ffmpeg reads from the playlists. */
async function judge(
  t: Test,
  playlists: readonly MediaPlaylist[],
  { streams = [['v:0', 'a:0']], sameTimes = true, compare = framesOf, sources }: Expectations = {},
): Promise<string> {
  const title = readTitle(playlists)
  const path = join(directory, `${made++}.mp4`)
  await writeFile(title, path)
  const counts = { v: 0, a: 0 }
  for (const [at, own] of streams.entries()) {
    for (const stream of own) {
      const mine = `${stream[0]}:${counts[stream[0] as 'v' | 'a']++}`
      const what = `${stream} of playlist ${at}`
      const truth = sources ?? [playlists[at]!.path]
      const wanted = (await Promise.all(truth.map(source => compare(source, stream)))).flat()
      t.ok(wanted.length > 1, `${what} holds something`)
      t.same(await compare(path, mine), wanted, `${what}: the same, in the same order`)
      const wantedPackets = (await Promise.all(truth.map(source => packetsOf(source, stream)))).flat()
      const packets = await packetsOf(path, mine)
      t.equal(packets.length, wantedPackets.length, `${what}: as many packets`)
      t.same(
        packets.map(({ isKey }) => isKey),
        wantedPackets.map(({ isKey }) => isKey),
        `${what}: the same key frames`,
      )
      t.ok(
        packets.every(({ dts }, index) => index === 0 || dts > packets[index - 1]!.dts),
        `${what}: decode times go up`,
      )
      if (!sameTimes) continue
      const shifts = packets.map(({ pts }, index) => pts - wantedPackets[index]!.pts).slice(unsettledPackets)
      const spread = Math.max(...shifts) - Math.min(...shifts)
      t.ok(spread < 0.003, `${what}: all moved by the same, within ${spread} s`)
    }
  }
  const seconds = title.outline.tracks[0]!.segments.reduce((sum, segment) => sum + segment.seconds, 0)
  const { format } = await factsOf(path)
  t.ok(Math.abs(Number(format.duration) - seconds) < 0.15, `lasts ${format.duration} s, ${seconds} by the playlist`)
  return path
}

async function writeFile(title: Title, path: string): Promise<void> {
  await using composer = openComposer({ source: new MemorySource(title), onFound: () => {} })
  const bytes = await readRange(composer, fileOf(title), 0)
  if (bytes.length !== planOf(title).size) throw new Error(`${bytes.length} bytes came of ${planOf(title).size}`)
  writeFileSync(path, bytes)
}

/** Sound and picture stay together: the difference of their first times is what it was. */
async function offsetOf(path: string, sound = path): Promise<number> {
  return (await packetsOf(path, 'v:0'))[0]!.pts - (await packetsOf(sound, 'a:0'))[unsettledPackets]!.pts
}

t.test('H.264 with B-frames and AAC in a transport stream', { skip }, async t => {
  const playlists = await single([...inputs(9), ...h264, '-c:a', 'aac'])
  const path = await judge(t, playlists)
  t.ok(
    Math.abs((await offsetOf(path)) - (await offsetOf(playlists[0]!.path))) < 0.001,
    'sound and picture are together',
  )
})

t.test('film rates, whose pictures last differently long in 90 kHz', { skip }, async t => {
  await judge(
    t,
    await single([...inputs(6, { rate: '24000/1001' }), ...h264, '-c:a', 'aac', '-ar', '48000', '-ac', '2']),
  )
})

t.test('open groups of pictures, that begin with a recovery point', { skip }, async t => {
  await judge(t, await single([...inputs(6), ...h264, '-x264-params', 'open-gop=1:keyint=50', '-c:a', 'aac']))
})

t.test('interlaced pictures', { skip }, async t => {
  await judge(t, await single([...inputs(4), ...h264, '-flags', '+ilme+ildct', '-c:a', 'aac']))
})

t.test('pictures in many slices', { skip }, async t => {
  await judge(
    t,
    await single([
      ...inputs(4),
      ...h264,
      '-x264-params',
      'slices=4:filler=1:nal-hrd=cbr:bitrate=900:vbv-maxrate=900:vbv-bufsize=900',
      '-c:a',
      'aac',
    ]),
  )
})

for (const [name, codec] of [
  ['MP3', ['libmp3lame']],
  ['MP2', ['mp2']],
  ['AC-3', ['ac3', '-ac', '2']],
  ['E-AC-3', ['eac3', '-ac', '2']],
] as const) {
  t.test(`HEVC and ${name}`, { skip }, async t => {
    const args = [
      '-c:v',
      'libx265',
      '-preset',
      'ultrafast',
      '-x265-params',
      'keyint=50:log-level=none',
      '-c:a',
      ...codec,
    ]
    // Layer II in MP4 is decoded by another decoder; the packets of this sound are the same in every container.
    const compare = (path: string, stream: string) => (stream === 'a:0' ? contentsOf : framesOf)(path, stream)
    const path = await judge(t, await single([...inputs(5), ...args]), { compare })
    const { streams } = await factsOf(path)
    t.equal(streams[0]!.codec_name, 'hevc')
    t.equal(streams[1]!.sample_rate, '44100')
  })
}

t.test('fragmented MP4', { skip }, async t => {
  await judge(t, await single([...inputs(9), ...h264, '-c:a', 'aac', '-hls_segment_type', 'fmp4']))
})

t.test('sound alone', { skip }, async t => {
  await judge(t, await single([...inputs(7).slice(4), '-c:a', 'aac']), { streams: [['a:0']] })
})

t.test('timestamps that wrap at 33 bits', { skip }, async t => {
  await judge(t, await single([...inputs(12), ...h264, '-c:a', 'aac', '-output_ts_offset', '95440']), {
    sameTimes: false,
  })
})

for (const type of ['mpegts', 'fmp4']) {
  t.test(`sound in renditions of its own, ${type}`, { skip }, async t => {
    const base = join(directory, `renditions-${type}`)
    await ffmpeg(
      ...inputs(9, { sounds: 2 }),
      ...['-map', '0:v', '-map', '1:a', '-map', '2:a', ...h264, '-c:a', 'aac', '-ar', '48000', ...hls],
      ...['-hls_segment_type', type, '-hls_fmp4_init_filename', `${type}-%v-init.mp4`],
      ...['-var_stream_map', 'v:0,agroup:s a:0,agroup:s,language:en a:1,agroup:s,language:deu', `${base}-%v.m3u8`],
    )
    const playlists: MediaPlaylist[] = [
      { kind: 'main', path: `${base}-0.m3u8` },
      { kind: 'audio', path: `${base}-1.m3u8`, language: 'en', name: 'English' },
      { kind: 'audio', path: `${base}-2.m3u8`, language: 'deu', name: 'Deutsch', isDefault: true },
    ]
    const path = await judge(t, playlists, { streams: [['v:0'], ['a:0'], ['a:0']] })
    const { streams } = await factsOf(path)
    t.same(
      streams.map(({ tags }) => tags!.language),
      ['und', 'eng', 'deu'],
    )
    t.same(
      streams.map(({ disposition }) => disposition.default),
      [1, 0, 1],
      'the default rendition is played',
    )
    const wanted = await offsetOf(playlists[0]!.path, playlists[1]!.path)
    t.ok(Math.abs((await offsetOf(path)) - wanted) < 0.001, 'sound and picture are together')
  })
}

t.test('packed audio beside pictures', { skip }, async t => {
  const [main] = await single([...inputs(8), ...h264, '-an'])
  const sound = await packed(directory, 8, ['-c:a', 'aac'], 'adts')
  await judge(t, [main!, { kind: 'audio', path: sound }], { streams: [['v:0'], ['a:0']] })
})

for (const type of ['mpegts', 'fmp4']) {
  t.test(`titles joined from others, ${type}`, { skip }, async t => {
    const args = ['-c:a', 'aac', '-ar', '48000', '-hls_segment_type', type]
    const [first] = await single([...inputs(5), ...h264, ...args])
    const [second] = await single([...inputs(7, { sounds: 1 }), ...h264, ...args])
    const path = joined(directory, [first!.path, second!.path, first!.path])
    // ffmpeg loses what follows a discontinuity of fragmented MP4: there the parts are the truth, one by one.
    const sources = type === 'fmp4' ? { sources: [first!.path, second!.path, first!.path], compare: contentsOf } : {}
    await judge(t, [{ kind: 'main', path }], { sameTimes: false, ...sources })
  })
}
