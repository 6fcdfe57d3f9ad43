import fc from 'fast-check'
import t from 'tap'
import { decodeFindings, encodeFindings, type Findings } from '../../src/remux/findings.ts'
import {
  decodeLayout,
  encodeLayout,
  Layout,
  layOut,
  type Outline,
  type OutlineSegment,
  type OutlineTrack,
  PackingError,
  type TrackLengths,
} from '../../src/remux/index.ts'

const segment = (seconds: number, changes: Partial<OutlineSegment> = {}): OutlineSegment => ({
  seconds,
  discontinuity: false,
  gap: false,
  encrypted: false,
  ...changes,
})

const track = (segments: readonly OutlineSegment[], changes: Partial<OutlineTrack> = {}): OutlineTrack => ({
  kind: 'main',
  isDefault: true,
  isForced: false,
  maps: [],
  segments,
  ...changes,
})

const outline = (...tracks: readonly OutlineTrack[]): Outline => ({ choice: 'hd', reason: '', tracks })
const of = (segments: TrackLengths['segments'], ...maps: (number | undefined)[]): TrackLengths => ({ segments, maps })

function planned(...args: Parameters<typeof layOut>): Layout {
  const layout = layOut(...args)
  if (layout instanceof Layout) return layout
  throw new Error(layout.message)
}

function refusal(...args: Parameters<typeof layOut>): string | undefined {
  const layout = layOut(...args)
  return layout instanceof Layout ? undefined : layout.unfit
}

t.test('fragments follow the header without a hole, up to the size', async t => {
  const layout = planned(outline(track([segment(6), segment(6), segment(2)])), [of([1000, 2000, 300])])
  t.equal(layout.offsets[0], layout.headerBytes)
  t.equal(layout.offsets[3], layout.size)
  t.ok(layout.bytesOf(1) > 2000)
  t.equal(layout.fragmentAt(0), -1)
  t.equal(layout.fragmentAt(layout.headerBytes - 1), -1)
  for (const at of [0, 1, 2]) {
    t.equal(layout.fragmentAt(layout.offsets[at]!), at)
    t.equal(layout.fragmentAt(layout.offsets[at + 1]! - 1), at)
  }
  t.same([...layout.starts], [0, 6e6, 12e6, 14e6])
})

t.test('a segment of fragmented MP4 needs no more than a box beside it', async t => {
  const mapped = { map: 0 }
  const layout = planned(outline(track([segment(6, mapped)], { maps: [{}] })), [of([1000], 700)])
  t.equal(layout.bytesOf(0), 1008)
  t.ok(layout.movieBytes > 700)
})

t.test("a rendition's segments go where they begin, though not to the microsecond", async t => {
  const main = track([segment(6), segment(6), segment(6)])
  const sound = track([segment(5.99), segment(3), segment(3), segment(6.01), segment(9)], { kind: 'audio' })
  const layout = planned(outline(main, sound), [of([100, 100, 100]), of([1, 2, 3, 4, 5])])
  const own = (at: number) =>
    layout
      .piecesOf(at)
      .filter(piece => piece.track === 1)
      .map(piece => piece.segment)
  t.same([0, 1, 2].map(own), [[0], [1, 2], [3, 4]], 'the last begins behind the end of the pictures')
  t.equal(layout.bytesOf(2) - layout.bytesOf(1), 4)
})

t.test("a rendition's segments stay in their run", async t => {
  const cut = { discontinuity: true }
  const main = track([segment(6), segment(6, cut), segment(6)])
  const sound = track([segment(4), segment(3), segment(6, cut), segment(5)], { kind: 'audio' })
  const layout = planned(outline(main, sound), [of([1, 1, 1]), of([1, 1, 1, 1])])
  const own = (at: number) =>
    layout
      .piecesOf(at)
      .filter(piece => piece.track === 1)
      .map(piece => piece.segment)
  t.same([0, 1, 2].map(own), [[0, 1], [2], [3]])
  t.same(
    [0, 1, 2].map(at => layout.runAt(at)),
    [0, 1, 1],
  )
})

t.test('what is missing takes a small box and its time', async t => {
  const main = track([segment(6), segment(6, { gap: true }), segment(6)])
  const layout = planned(outline(main), [of([1000, undefined, null])])
  t.same(
    [0, 1, 2].map(at => layout.isGap(at)),
    [false, true, true],
  )
  t.equal(layout.bytesOf(1), 16)
  t.same(layout.piecesOf(1), [])
  t.equal(layout.starts[3], 18e6)
})

t.test('subtitles are left out; the outline numbers the tracks', async t => {
  const main = track([segment(6)])
  const layout = planned(
    outline(main, track([segment(6)], { kind: 'subtitles' }), track([segment(6)], { kind: 'audio' })),
    [of([1]), of([undefined]), of([1])],
  )
  t.same(
    layout.tracks.map(own => own.track),
    [0, 2],
  )
})

t.test('why there can be no file', async t => {
  const one = track([segment(6)])
  const mapped = track([segment(6, { map: 0 })], { maps: [{}] })
  t.equal(refusal(outline(), []), 'empty')
  t.equal(refusal(outline(track([])), [of([])]), 'empty')
  t.equal(refusal(outline(track([segment(6, { gap: true })])), [of([undefined])]), 'empty')
  t.equal(refusal(outline(one), [of([undefined])]), 'unknown-length')
  t.equal(refusal(outline(one), []), 'unknown-length')
  t.equal(refusal(outline(mapped), [of([1], undefined)]), 'unknown-length')
  t.equal(refusal(outline(one), [of([2 ** 31])]), 'too-large')
  t.equal(refusal(outline(one), [of([Number.NaN])]), 'too-large')
  t.equal(refusal(outline(track([segment(Number.NaN)])), [of([1])]), 'too-large')
  t.equal(refusal(outline(track(Array.from({ length: 65_536 }, () => segment(1)))), [of([])]), 'too-large')
  t.equal(refusal(outline(...Array.from({ length: 33 }, () => one)), []), 'too-large')
  t.equal(refusal(outline(track([segment(6, { map: 0 })], { maps: [{}, {}] })), [of([1], 1, 1)]), 'maps')
  t.equal(refusal(outline(track([segment(6, { map: 0 }), segment(6)], { maps: [{}] })), [of([1, 1], 1)]), 'maps')
  t.equal(refusal(outline(mapped, { ...one, kind: 'audio' }), [of([1], 1), of([1])]), 'mixed')
  const broken = track([segment(3), segment(3, { discontinuity: true })], { kind: 'audio' })
  t.equal(refusal(outline(one, broken), [of([1]), of([1, 1])]), 'discontinuities')
})

const lengths = fc.integer({ min: 0, max: 2 ** 27 })
const seconds = fc.integer({ min: 0, max: 20e6 }).map(micros => micros / 1e6)
const anySegment = fc.record({ seconds, discontinuity: fc.boolean(), gap: fc.boolean(), encrypted: fc.boolean() })

t.test('a layout comes back from its bytes as it was', async t => {
  const anyTitle = fc.array(fc.tuple(anySegment, lengths), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(anyTitle, fc.string(), fc.string(), (segments, choice, name) => {
      const title = {
        ...outline(
          track(
            segments.map(([own]) => own),
            { name, language: 'en' },
          ),
        ),
        choice,
      }
      const layout = layOut(title, [of(segments.map(([, length]) => length))])
      if (!(layout instanceof Layout)) return
      const copy = decodeLayout(encodeLayout(layout))
      t.same({ ...copy }, { ...layout })
      t.same([...copy.offsets], [...layout.offsets])
    }),
    { numRuns: 100 },
  )
})

t.test('1,200 segments fit in 10 KB', async t => {
  const at = (from: number) => (from * 7919) % 1000
  const segments = Array.from({ length: 1200 }, (_, index) => segment(6 + at(index) / 1e5, { encrypted: true }))
  const layout = planned(outline(track(segments)), [of(segments.map((_, index) => 4_000_000 + 977 * at(index)))])
  const { length } = encodeLayout(layout)
  t.ok(length < 10_000, `${length} bytes`)
})

t.test('bytes that are no layout are refused, whatever they are', async t => {
  const bytes = encodeLayout(planned(outline(track([segment(6), segment(5)])), [of([1000, 2000])]))
  for (let length = 0; length < bytes.length; length++)
    t.throws(() => decodeLayout(bytes.subarray(0, length)), PackingError)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), garbage => {
      t.throws(() => decodeLayout(garbage), PackingError)
      t.throws(() => decodeFindings(garbage), PackingError)
    }),
    { numRuns: 200 },
  )
})

t.test('findings come back from their bytes as they were', async t => {
  const findings: Findings = {
    movie: {
      streams: [
        { track: 0, id: 0, kind: 'video', codec: 'avc1', timescale: 90_000 },
        { track: 1, id: 7, kind: 'audio', codec: 'mp4a.40.2 48000 Hz 2', timescale: 48_000 },
      ],
      moov: Uint8Array.of(1, 2, 3),
      leadMicros: 80_000,
    },
    bases: new Map([
      [0, { ticks: 126_000, timescale: 90_000 }],
      [3, { ticks: 2 ** 52, timescale: 1 }],
    ]),
    gaps: new Set([5, 65_540]),
  }
  t.same(decodeFindings(encodeFindings(findings)), findings)
  t.same(decodeFindings(encodeFindings({ bases: new Map(), gaps: new Set() })), { bases: new Map(), gaps: new Set() })
})
