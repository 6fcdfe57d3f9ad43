import t from 'tap'
import { choose } from '../../src/provider/hls/choose.ts'
import type { MasterPlaylist, Rendition, Variant } from '../../src/provider/hls/master-playlist.ts'

type Said = Partial<Omit<Variant, 'url'>>

/** A master playlist whose variants are at addresses named by their letters. */
function master(variants: Readonly<Record<string, Said>>, renditions: readonly Rendition[] = []): MasterPlaylist {
  const list = Object.entries(variants).map(([url, said]) => ({ url, ...said }))
  return { kind: 'master', variants: list, renditions, variables: new Map() }
}

const of = (width: number, height: number, more: Said = {}): Said => ({ width, height, ...more })
const h264 = { codecs: ['avc1.640028', 'mp4a.40.2'] }

const cases: [what: string, variants: Readonly<Record<string, Said>>, maxHeight: number | undefined, best: string][] = [
  ['the only one', { a: {} }, undefined, 'a'],
  ['the most pixels', { a: of(1280, 720), b: of(1920, 1080), c: of(640, 360) }, undefined, 'b'],
  [
    'then the highest bandwidth',
    { a: of(1280, 720, { bandwidth: 1 }), b: of(1280, 720, { bandwidth: 2 }) },
    undefined,
    'b',
  ],
  ['then the first', { a: of(1280, 720, { bandwidth: 2 }), b: of(1280, 720, { bandwidth: 2 }) }, undefined, 'a'],
  ['bandwidth alone', { a: { bandwidth: 1 }, b: { bandwidth: 3 }, c: { bandwidth: 2 } }, undefined, 'b'],
  ['not above the limit', { a: of(1280, 720), b: of(1920, 1080), c: of(640, 360) }, 720, 'a'],
  ['the lowest when all are above it', { a: of(1280, 720), b: of(1920, 1080), c: of(854, 480) }, 360, 'c'],
  [
    'known codecs before others, however large',
    { a: of(3840, 2160, { codecs: ['av01.0.12M.08', 'mp4a.40.2'] }), b: of(1280, 720, h264) },
    undefined,
    'b',
  ],
  ['known codecs before none', { a: of(3840, 2160), b: of(1280, 720, h264) }, undefined, 'b'],
  [
    'no codecs before unknown ones',
    { a: of(3840, 2160, { codecs: ['vp09.00.10.08', 'opus'] }), b: of(1280, 720) },
    undefined,
    'b',
  ],
  [
    'HEVC with E-AC-3 is known',
    { a: of(1920, 1080, h264), b: of(3840, 2160, { codecs: ['hvc1.2.4.L153.B0', 'ec-3'] }) },
    undefined,
    'b',
  ],
  [
    'a picture before sound alone, whatever its codecs',
    { a: { codecs: ['mp4a.40.2'], bandwidth: 9e6 }, b: of(640, 360, { codecs: ['vp09.00.10.08'] }) },
    undefined,
    'b',
  ],
  [
    'names that only begin like a codec are unknown',
    { a: of(640, 360, h264), b: of(1280, 720, { codecs: ['avc10'] }) },
    undefined,
    'a',
  ],
]

for (const [what, variants, maxHeight, best] of cases) {
  t.test(`the best variant: ${what}`, async t => {
    const chosen = choose(master(variants), maxHeight === undefined ? {} : { maxHeight })
    t.equal(chosen?.variant.url, best)
    const { choice } = chosen!
    const again = choose(master(variants), { choice })
    t.equal(again?.choice, choice, 'is found again by its choice')
    const moved = Object.fromEntries(Object.entries(variants).map(([url, said]) => [`${url}?token=new`, said]))
    t.equal(choose(master(moved), { choice })?.variant.url, `${best}?token=new`, 'also at another address')
    t.notMatch(choice, /token/)
  })
}

t.test('a choice that is no longer offered is not replaced by another', async t => {
  const { choice } = choose(master({ a: of(1280, 720), b: of(1920, 1080) }), {})!
  t.equal(choose(master({ a: of(1280, 720) }), { choice }), undefined)
  t.equal(choose(master({ a: of(1280, 720) }), { choice: '' }), undefined)
})

t.test('the reason says what was chosen, from how many, and why', async t => {
  const variants = { a: of(1280, 720, { ...h264, bandwidth: 3_200_000 }), b: of(1920, 1080, { codecs: ['av01'] }) }
  t.equal(
    choose(master(variants), {})!.reason,
    'the best of 2 variants with codecs that Plex plays: 1280x720, 3.2 Mbit/s, avc1.640028 mp4a.40.2',
  )
  t.equal(
    choose(master({ a: of(1280, 720), b: of(854, 480) }), { maxHeight: 500 })!.reason,
    'the best within 500 lines of 2 variants: 854x480',
  )
  t.match(
    choose(master({ a: of(1280, 720), b: of(854, 480) }), { maxHeight: 100 })!.reason,
    /^the lowest, as none is within 100 lines, of 2/,
  )
  t.equal(choose(master({ a: {} }), {})!.reason, 'the only variant: nothing is said about it')
})

t.test('renditions of the groups that the variant names, and of no others', async t => {
  const rendition = (type: Rendition['type'], group: string, name: string, url?: string): Rendition => ({
    type,
    group,
    name,
    isDefault: false,
    isForced: false,
    ...(url !== undefined && { url }),
  })
  const renditions = [
    rendition('audio', 'x', 'English'),
    rendition('audio', 'x', 'Deutsch', 'de'),
    rendition('audio', 'y', 'English', 'en'),
    rendition('subtitles', 'x', 'Untertitel', 'st'),
    rendition('subtitles', 'x', 'nowhere'),
  ]
  const names = (said: Said) => {
    const { audio, subtitles } = choose(master({ a: said }, renditions), {})!
    return [audio.map(({ name }) => name), subtitles.map(({ name }) => name)]
  }
  t.same(names({ audio: 'x', subtitles: 'x' }), [['English', 'Deutsch'], ['Untertitel']])
  t.same(names({ audio: 'y' }), [['English'], []])
  t.same(names({}), [[], []])
})
