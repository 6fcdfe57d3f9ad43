import { createHash } from 'node:crypto'
import { jpeg } from './jpeg.ts'

/** What a title has beside its film: pictures, and subtitles in languages. */
export interface Extras {
  readonly art?: true
  readonly subtitles?: readonly string[]
}

type Kind = 'movie' | 'show' | 'series'

/** Blocks of 8 pixels: 2 : 3, and 16 : 9. */
const shapes = { poster: [50, 75], backdrop: [160, 90] } as const

/** The addresses of a title's pictures and subtitles, as rows have them; '' and [] where it has none. */
export function extraAddresses(
  base: string,
  kind: Kind,
  { id, art, subtitles = [] }: Extras & { readonly id: number },
) {
  const picture = (shape: keyof typeof shapes) => (art ? `${base}/extras/${kind}-${id}-${shape}.jpg` : '')
  return {
    poster: picture('poster'),
    backdrop: art ? [picture('backdrop')] : [],
    seasonPoster: (season: number) => (art ? `${base}/extras/${kind}-${id}-season${season}-poster.jpg` : ''),
    subtitles: subtitles.map(language => ({ language, url: `${base}/extras/${kind}-${id}-${language}.srt` })),
  }
}

/** The bytes of the file at such an address, by its name. With another revision they are others. */
export function extraBytes(name: string, revision = 0): Buffer | undefined {
  const [, shape, language] = /^[a-z]+-\d+-(?:season\d+-)?(?:(poster|backdrop)\.jpg|([a-z]{2})\.srt)$/.exec(name) ?? []
  const seed = createHash('sha256').update(`${name} ${revision}`).digest()
  if (language !== undefined) return Buffer.from(subtitles(name, revision))
  if (shape === undefined) return undefined
  const [wide, high] = shapes[shape as keyof typeof shapes]
  const [red, green, blue] = seed
  return jpeg(wide, high, (x, y) =>
    [red!, green!, (blue! + x + y) % 256].map(value => ((value * (y + high)) / (2 * high)) | 0),
  )
}

function subtitles(name: string, revision: number): string {
  const cue = (at: number) => `${at}\n00:00:0${at},000 --> 00:00:0${at},900\n${name} ${revision}: ${at}\n\n`
  return [1, 2, 3].map(cue).join('')
}
