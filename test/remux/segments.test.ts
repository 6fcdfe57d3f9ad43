import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { findMovie } from '../../src/remux/find-movie.ts'
import type { Findings } from '../../src/remux/findings.ts'
import { composeFragment, findRunBase } from '../../src/remux/fragment.ts'
import { composeHeader } from '../../src/remux/header.ts'
import { countSamples, RemuxError } from '../../src/remux/index.ts'
import { without } from '../lib/programs.ts'
import { ffmpeg, inputs, packed, readTitle, scratch, type Title } from './hls.ts'
import { packetsOf } from './judge.ts'
import { planOf } from './memory-source.ts'

const skip = without('ffmpeg', 'ffprobe')
const directory = skip ? '' : scratch()
const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0']
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-bf', '2']
const hevc = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'keyint=25:log-level=none']

async function make(name: string, args: readonly string[]): Promise<Title> {
  const path = join(directory, `${name}.m3u8`)
  await ffmpeg(...inputs(2), ...args, ...hls, '-hls_fmp4_init_filename', `${name}-init.mp4`, path)
  return readTitle([{ kind: 'main', path }])
}

/** What is tried on each: small titles of every kind of segment. */
const titles = skip
  ? {}
  : {
      'H.264 and AAC': await make('avc', [...h264, '-c:a', 'aac']),
      'HEVC and E-AC-3': await make('hevc', [...hevc, '-c:a', 'eac3']),
      MP3: await make('mp3', ['-vn', '-map', '1:a', '-c:a', 'libmp3lame']),
      'fragmented MP4': await make('fmp4', [...h264, '-c:a', 'aac', '-hls_segment_type', 'fmp4']),
      'packed AAC': readTitle([{ kind: 'main', path: await packed(directory, 4, ['-c:a', 'aac'], 'adts') }]),
      'packed AC-3': readTitle([{ kind: 'main', path: await packed(directory, 4, ['-c:a', 'ac3'], 'ac3') }]),
      'packed E-AC-3': readTitle([{ kind: 'main', path: await packed(directory, 4, ['-c:a', 'eac3'], 'eac3') }]),
    }

/** Header and first fragment, all in this thread. */
function composed(title: Title): Buffer {
  const layout = planOf(title)
  const bytes = title.segments[0]![0]!
  const movie = findMovie(layout, layout.isFragmented ? title.maps[0]! : [bytes])
  const pieces = [{ track: 0, segment: 0, bytes }]
  const findings: Findings = { movie, bases: new Map([[0, findRunBase(layout, 0, pieces, movie)]]), gaps: new Set() }
  return Buffer.concat([composeHeader(layout, movie), composeFragment(layout, 0, pieces, findings)])
}

interface Damage {
  readonly changes: readonly (readonly [number, number])[]
  readonly early: readonly (readonly [number, number])[]
  readonly keep: number
  readonly shift: number
}

/** Bytes with some set to others, then cut. */
const damage: fc.Arbitrary<Damage> = fc.record({
  changes: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 40 }),
  /** Headers are where it hurts. */
  early: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 10 }),
  keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  shift: fc.nat(300),
})

function damaged(bytes: Uint8Array, { changes, early, keep, shift }: Damage): Uint8Array {
  const copy = bytes.slice(keep < 0.3 ? shift : 0, Math.ceil(bytes.length * keep))
  for (const [at, value] of changes) copy[Math.floor(at * copy.length)] = value
  for (const [at, value] of early) copy[at] = value
  return copy
}

function onlyRemuxErrors(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof RemuxError) return true
    throw error
  }
}

for (const [name, title] of Object.entries(titles)) {
  t.test(`damaged segments of ${name} are refused or carried, and nothing else`, async t => {
    const [segment, map] = [title.segments[0]![0]!, title.maps[0]![0]]
    fc.assert(
      fc.property(damage, damage, fc.boolean(), (ofSegment, ofMap, isMapHit) => {
        const bytes = isMapHit && map !== undefined ? segment : damaged(segment, ofSegment)
        const section = map === undefined || !isMapHit ? map : damaged(map, ofMap)
        const changed = {
          ...title,
          segments: [[bytes, ...title.segments[0]!.slice(1)]],
          maps: [section === undefined ? [] : [section]],
        }
        return onlyRemuxErrors(() => composed(changed)) && onlyRemuxErrors(() => countSamples(bytes, section))
      }),
      { numRuns: 300 },
    )
    t.ok(composed(title).length > 0)
  })

  t.test(`samples of ${name} are counted as ffprobe counts packets`, async t => {
    const [segment, map] = [title.segments[0]![0]!, title.maps[0]![0]]
    const counts = countSamples(segment, map)
    t.ok(counts.length > 0)
    const path = join(directory, 'counted.bin')
    writeFileSync(path, Buffer.concat([map ?? Buffer.alloc(0), segment]))
    let at = 0
    for (const { type, samples } of counts) {
      const stream = type === 'video' ? 'v:0' : `a:${at++}`
      t.equal(samples, (await packetsOf(path, stream)).length, `${stream}`)
    }
  })
}

t.test('garbage of any length', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(0x47, 0xff, 0x0b, 0x49, 0x00), (bytes, first) => {
      if (bytes.length > 0) bytes[0] = first
      return onlyRemuxErrors(() => countSamples(bytes)) && onlyRemuxErrors(() => countSamples(bytes, bytes))
    }),
    { numRuns: 1000 },
  )
})

const corpora = process.env.REELPORT_CORPORA
const recorded = corpora === undefined ? undefined : join(corpora, 'http-streaming/test/segments')
const noCorpora =
  recorded !== undefined && existsSync(recorded) ? skip : 'REELPORT_CORPORA does not name a folder with http-streaming'

/** What ffprobe finds in segments that others made; a reason where they are not to be carried. */
const judged: Readonly<Record<string, string | undefined>> = {
  'aacWithId3.aac': 'times',
  'aacWithoutId3.aac': 'times',
  'ac3WithId3.ac3': undefined,
  'ac3WithoutId3.ac3': 'times',
  'audio.ts': undefined,
  'audioLargeOffset.ts': undefined,
  'audioMaxOffset.ts': undefined,
  'audioMinOffset.ts': undefined,
  'caption.ts': undefined,
  'id3.ts': undefined,
  'muxed.ts': undefined,
  'oneSecond.ts': undefined,
  'video.ts': undefined,
  'videoDiffPtsDts.ts': undefined,
  'videoLargeOffset.ts': undefined,
  'videoMaxOffset.ts': undefined,
  'videoMinOffset.ts': undefined,
  'videoOneSecond.ts': undefined,
  'zeroLength.ts': undefined,
}

t.test('segments of other makers', { skip: noCorpora }, async t => {
  for (const [name, reason] of Object.entries(judged)) {
    const path = join(recorded!, name)
    const segment = new Uint8Array(readFileSync(path))
    try {
      const counts = countSamples(segment)
      for (const [at, { type, samples }] of counts.entries()) {
        const stream = `${type[0]}:${counts.slice(0, at).filter(other => other.type === type).length}`
        t.equal(samples, (await packetsOf(path, stream)).length, `${name}: ${stream}`)
      }
      t.equal(undefined, reason, `${name} is carried`)
    } catch (error) {
      if (!(error instanceof RemuxError)) throw error
      t.equal(error.reason, reason, `${name}: ${error.message}`)
    }
  }
})

for (const [map, segment] of [
  ['mp4AudioInit.mp4', 'mp4Audio.mp4'],
  ['mp4MuxedInit.mp4', 'mp4Muxed.mp4'],
  ['mp4VideoInit.mp4', 'mp4Video.mp4'],
] as const) {
  t.test(`${segment} behind ${map}`, { skip: noCorpora }, async t => {
    const read = (name: string) => new Uint8Array(readFileSync(join(recorded!, name)))
    const segments = [{ seconds: 1, discontinuity: false, gap: false, encrypted: false, map: 0 }]
    const [init, bytes] = [read(map), read(segment)]
    const track = { kind: 'main' as const, isDefault: true, isForced: false, maps: [{}], segments }
    const title: Title = {
      outline: { choice: '', reason: '', tracks: [track] },
      lengths: [{ segments: [bytes.length], maps: [init.length] }],
      segments: [[bytes]],
      maps: [[init]],
    }
    t.equal(composed(title).length, planOf(title).size)
    t.ok(countSamples(bytes, init).every(({ samples }) => samples > 0))
  })
}
