import fc from 'fast-check'
import t from 'tap'
import { chooseStreams } from '../../src/making/choose-streams.ts'
import type { Outline, OutlineSegment, OutlineTrack } from '../../src/making/index.ts'
import { concatScript, renditionName } from '../../src/making/local-playlists.ts'
import { pieceKind } from '../../src/making/piece-kind.ts'
import { expectedBytes, planOf } from '../../src/making/plan.ts'
import { goesOn, lastsSeconds, runsOf, wrapSeconds } from '../../src/making/runs.ts'
import { verifyDuration, verifyPackets } from '../../src/making/verify.ts'
import { joinWebVtt } from '../../src/making/webvtt.ts'

const plain = { discontinuity: false, gap: false, encrypted: false }
const track = (segments: readonly Partial<OutlineSegment>[], more: Partial<OutlineTrack> = {}): OutlineTrack => ({
  kind: 'main',
  isDefault: false,
  isForced: false,
  maps: [],
  segments: segments.map(segment => ({ ...plain, seconds: 6, ...segment })),
  ...more,
})
const outline = (...tracks: OutlineTrack[]): Outline => ({ choice: 'a', tracks })

t.test('a plan', async t => {
  await t.test('has every piece but the gaps, initialization sections first', async t => {
    const { pieces, seconds } = planOf(
      outline(
        track([{ map: 0 }, { map: 0, gap: true }, { map: 0 }], { maps: [{ length: 800 }] }),
        track([{}], { kind: 'audio' }),
      ),
    )
    t.strictSame(
      pieces.map(({ track, piece }) => [track, piece]),
      [
        [0, { map: 0 }],
        [0, { segment: 0 }],
        [0, { segment: 2 }],
        [1, { segment: 0 }],
      ],
    )
    t.equal(seconds, 18)
  })

  await t.test('is another one when anything else is there, or in another place', async t => {
    const base = outline(track([{}, {}]), track([{}], { kind: 'audio', language: 'en' }))
    const others = [
      { ...base, choice: 'b' },
      outline(track([{}, { seconds: 5.9 }]), base.tracks[1]!),
      outline(track([{}, { discontinuity: true }]), base.tracks[1]!),
      outline(track([{}, { gap: true }]), base.tracks[1]!),
      outline(track([{}, { length: 100 }]), base.tracks[1]!),
      outline(track([{}, {}, {}]), base.tracks[1]!),
      outline(base.tracks[0]!, track([{}], { kind: 'audio', language: 'fr' })),
      outline(base.tracks[0]!),
    ]
    const prints = [base, ...others].map(outline => planOf(outline).fingerprint)
    t.equal(new Set(prints).size, prints.length)
    t.equal(planOf(structuredClone(base)).fingerprint, prints[0])
  })

  t.test('expects the bytes that the playlist names, else what has come, else the announced rate', async t => {
    const none = { bytes: 0, seconds: 0 }
    const exact = outline(track([{ length: 100 }, { length: 250 }]))
    t.equal(expectedBytes(exact, planOf(exact), none), 350)
    const film = { ...outline(track(Array.from({ length: 100 }, () => ({})))), bandwidth: 8000 }
    t.equal(expectedBytes(film, planOf(film), none), 600_000)
    t.equal(expectedBytes(film, planOf(film), { bytes: 120_000, seconds: 120 }), 600_000)
    t.equal(expectedBytes({ ...film, tracks: [track([{}])] }, planOf(outline(track([{}]))), none), 6000)
    t.equal(expectedBytes(outline(track([{}])), planOf(outline(track([{}]))), none), undefined)
  })

  t.test('of nothing is refused', async t => {
    t.throws(() => planOf(outline()), { code: 'unplayable' })
    t.throws(() => planOf(outline(track([]))), { code: 'unplayable' })
  })
})

t.test('runs', async t => {
  const everything = () => true
  const numbers = (tracks: readonly (readonly { at: number }[])[]) => tracks.map(track => track.map(({ at }) => at))

  await t.test('begin at discontinuities and with another initialization section, in all tracks', async t => {
    const main = track([{ map: 0 }, { map: 0 }, { map: 0, discontinuity: true }, { map: 1 }], { maps: [{}, {}] })
    const sound = track([{}, { discontinuity: true }, { discontinuity: true }], { kind: 'audio' })
    const runs = runsOf(outline(main, sound), everything)
    t.strictSame(
      runs.map(({ tracks }) => numbers(tracks)),
      [
        [[0, 1], [0]],
        [[2], [1]],
        [[3], [2]],
      ],
    )
    t.strictSame(
      runs.map(({ startSeconds }) => startSeconds),
      [0, 12, 18],
    )
  })

  await t.test('of a rendition that does not tell follow the time', async t => {
    const main = track([{}, { discontinuity: true }, {}])
    const sound = track([{ seconds: 3 }, { seconds: 3 }, { seconds: 4 }, { seconds: 4 }, { seconds: 4 }], {
      kind: 'audio',
    })
    const [first, second] = runsOf(outline(main, sound), everything)
    t.strictSame(numbers(first!.tracks), [[0], [0, 1]])
    t.strictSame(numbers(second!.tracks), [
      [1, 2],
      [2, 3, 4],
    ])
  })

  await t.test('hold each segment that is here once, in order, whatever the tracks look like', async () => {
    const segment = fc.record({
      seconds: fc.double({ min: 0.1, max: 20, noNaN: true }),
      discontinuity: fc.boolean(),
      here: fc.boolean(),
    })
    const tracks = fc.array(fc.array(segment, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(tracks, rows => {
        const title = outline(...rows.map((row, at) => track(row, at === 0 ? {} : { kind: 'audio' })))
        const runs = runsOf(title, (track, segment) => rows[track]![segment]!.here)
        const main = runs.flatMap(({ tracks }) => tracks[0]!.map(({ at }) => at))
        const here = [...rows[0]!.keys()].filter(at => rows[0]![at]!.here)
        if (main.join() !== here.join()) throw new Error(`main: ${main} instead of ${here}`)
        for (const at of rows.keys()) {
          const all = runs.flatMap(({ tracks }) => tracks[at]!.map(({ at }) => at))
          if (all.some((number, place) => place > 0 && number <= all[place - 1]!))
            throw new Error(`track ${at}: ${all}`)
        }
      }),
    )
  })

  await t.test('last what their clock says, also when it comes round', async t => {
    t.equal(lastsSeconds({ first: 10, end: 25 }), 15)
    t.ok(Math.abs(lastsSeconds({ first: wrapSeconds - 5, end: 10 }) - 15) < 1e-6)
    t.ok(goesOn({ first: 0, end: 10.02 }, { first: 10, end: 20 }))
    t.ok(goesOn({ first: 0, end: wrapSeconds + 0.01 }, { first: 0, end: 20 }))
    t.notOk(goesOn({ first: 0, end: 10 }, { first: 1.4, end: 20 }))
  })
})

t.test('streams are chosen: pictures first, the flagged rendition as default, nothing unknown', async t => {
  const tracks = [
    track([]),
    track([], { kind: 'audio', language: 'en' }),
    track([], { kind: 'audio', language: 'fr', name: 'VF', isDefault: true }),
  ]
  const { streams, notes } = chooseStreams(
    {
      streams: [
        { index: 0, type: 'audio', codec: 'aac', sampleRate: 48000, name: renditionName(2) },
        { index: 1, type: 'audio', codec: 'aac', sampleRate: 48000, name: renditionName(1), language: 'xx' },
        { index: 2, type: 'data' },
        { index: 3, type: 'video', codec: 'h264', width: 640 },
        { index: 4, type: 'audio', codec: 'aac', sampleRate: 0 },
        { index: 5, type: 'subtitle', codec: 'dvb_subtitle' },
      ],
    },
    tracks,
  )
  t.strictSame(streams, [
    { track: 0, index: 3, type: 'video', codec: 'h264', isDefault: true },
    { track: 1, index: 1, type: 'audio', codec: 'aac', isDefault: false, language: 'en' },
    { track: 2, index: 0, type: 'audio', codec: 'aac', isDefault: true, language: 'fr', name: 'VF' },
  ])
  t.strictSame(notes, ['A stream is left out: audio, aac', 'A stream is left out: subtitle, dvb_subtitle'])
  t.throws(() => chooseStreams({ streams: [{ index: 0, type: 'data' }] }, tracks), {
    code: 'unplayable',
    message: 'There is nothing to play: data',
  })
})

t.test('what a finished file must be', async t => {
  const expected = { seconds: 600, missingSeconds: 0, roundedSegments: 0 }
  verifyDuration(593, expected)
  verifyDuration(607, expected)
  t.throws(() => verifyDuration(591, expected), {
    code: 'verify',
    message: 'The finished file lasts 591.0 s; the playlist says 600.0 s, give or take 8.0 s',
  })
  t.throws(() => verifyDuration(609, expected), { code: 'verify' })
  t.throws(() => verifyDuration(undefined, expected), { message: /^The finished file has no duration/ })
  verifyDuration(581, { ...expected, missingSeconds: 12 })
  verifyDuration(560, { ...expected, roundedSegments: 100 })

  const packets = { codec: 'h264', made: 100, copied: undefined, counted: 100, leading: 0 }
  verifyPackets([packets], 0)
  verifyPackets([{ ...packets, made: 97, copied: 97, leading: 3 }], 0)
  verifyPackets([{ ...packets, made: 102, copied: 102 }], 2)
  verifyPackets([{ ...packets, copied: 100, counted: undefined }], 0)
  const cases = [
    { made: 97, copied: 100 },
    { made: 97, copied: 97 },
    { made: undefined, copied: 100 },
    { made: 103, copied: 103 },
    { made: 99, copied: undefined },
    { made: 99, copied: 100, counted: undefined },
  ]
  for (const odd of cases)
    t.throws(() => verifyPackets([{ ...packets, ...odd }], 2), { code: 'verify' }, JSON.stringify(odd))
})

t.test('WebVTT segments become one file', async t => {
  const run = { startSeconds: 0, first: 10 }
  const piece = (text: string, more = {}) => ({ text, startSeconds: 0, run, ...more })
  const map = 'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n'

  await t.test('on the clock of the film (RFC 8216 section 3.5)', async t => {
    const cue = '00:02.000 --> 00:03.500\nHi\n'
    t.equal(joinWebVtt([piece(map + cue)], 60), 'WEBVTT\n\n00:00:02.000 --> 00:00:03.500\nHi\n')
    const later = piece(map + cue, { run: { startSeconds: 30, first: 4 } })
    t.match(joinWebVtt([later], 60), '00:00:38.000 --> 00:00:39.500')
    const local = piece(`WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:01.000,MPEGTS:900000\n\n${cue}`)
    t.match(joinWebVtt([local], 60), '00:00:01.000 --> 00:00:02.500')
  })

  await t.test('also when the clock has come round', async t => {
    const wrapped = piece('WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:02.000 --> 00:03.000\nHi\n', {
      startSeconds: 6,
      run: { startSeconds: 0, first: wrapSeconds - 5 },
    })
    t.match(joinWebVtt([wrapped], 60), '00:00:07.000 --> 00:00:08.000')
  })

  await t.test('each cue once, in order, without what is no cue', async t => {
    const one = piece(
      '\uFEFFWEBVTT\r\n\r\nSTYLE\r\n::cue{}\r\n\r\n1\r\n00:05.000 --> 00:07.000 align:start\r\nB\r\nb\r\n\r\nNOTE x',
    )
    const two = piece(
      'WEBVTT\n\n00:05.001 --> 00:07.001 align:start\nB\nb\n\n00:01.000 --> 00:02.000\nA\n\n01:00:00.000 --> 01:00:01.000\nlate\n',
    )
    t.equal(
      joinWebVtt([one, two], 60),
      'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nA\n\n00:00:05.000 --> 00:00:07.000 align:start\nB\nb\n',
    )
  })

  await t.test('of any text: never an error, and joining again changes nothing', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        'WEBVTT',
        '',
        '00:01.000 --> 00:02.000',
        '00:00:00.500 --> 00:00:40.000 line:0',
        '-->',
        'NOTE',
        'X-TIMESTAMP-MAP=MPEGTS:1,LOCAL:00:00.000',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(fc.array(line), { maxLength: 4 }), texts => {
        const joined = joinWebVtt(
          texts.map(lines => piece(lines.join('\n'))),
          60,
        )
        const again = joinWebVtt([piece(joined)], 60)
        if (again !== joined) throw new Error(`${JSON.stringify(joined)} became ${JSON.stringify(again)}`)
      }),
    )
  })
})

t.test('the kind of a piece is told by its bytes, whatever they are', async t => {
  const id3 = [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 2, 0, 0]
  t.equal(pieceKind(Buffer.from([...id3, 0xff, 0xf1, 0x50])), 'aac')
  t.equal(pieceKind(Buffer.from([...id3, 0xff, 0xfb, 0x90])), 'mp3')
  t.equal(pieceKind(Buffer.from([0x0b, 0x77, 0, 0, 0, 8 << 3])), 'ac3')
  t.equal(pieceKind(Buffer.from([0x0b, 0x77, 0, 0, 0, 16 << 3])), 'eac3')
  t.equal(pieceKind(Buffer.from('WEBVTT\n\n')), 'vtt')
  t.equal(pieceKind(Buffer.from('\0\0\0\x18stypmsdh')), 'm4s')
  t.equal(pieceKind(Buffer.from('<html>')), undefined)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), bytes => void pieceKind(bytes)))
})

t.test('a script for ffmpeg says how long each part lasts', async t => {
  t.equal(
    concatScript([{ file: 'run-0.m3u8', seconds: 12.5 }]),
    'ffconcat version 1.0\nfile run-0.m3u8\nduration 12.500000\n',
  )
})
