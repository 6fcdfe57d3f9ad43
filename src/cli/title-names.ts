import type { TitleStatus } from '../app/index.ts'
import { CommandError, exitCode } from './exit-code.ts'
import type { RunningServer } from './running-server.ts'

/** What a name on the command line stands for: streams of the catalogue. */
export interface Named {
  /** For people. */
  readonly label: string
  /** Of a show, its episodes in order. */
  readonly variantIds: readonly number[]
}

export interface Naming {
  /** Of shows, only this season. */
  readonly season?: number | undefined
  /** Which of a title's streams are meant. */
  readonly isMeant: (stream: TitleStatus['streams'][number]) => boolean
  /** What is said of a title none of whose streams is meant. */
  readonly ifNone: string
}

/** How many titles are looked through for the one that is meant. */
const maxFound = 50
const maxShown = 10

/**
 * The streams that a name stands for: the number of one, a path of the tree, or words of a title, with its year where the
 * words alone are not enough.
 *
 * @throws CommandError when it stands for nothing, or for several titles, which are listed.
 */
export async function streamsNamed(
  name: string,
  naming: Naming,
  server: RunningServer,
  signal: AbortSignal,
): Promise<Named> {
  if (/^[1-9]\d{0,14}$/.test(name)) return { label: `number ${name}`, variantIds: [Number(name)] }
  const asked = name.startsWith('/') ? partsOfPath(name) : partsOfText(name)
  const { words, year, season = naming.season, episode } = asked
  const query = new URLSearchParams({ q: words, limit: String(maxFound) })
  const found = (await server.get(`/api/titles?${query}`, signal)) as readonly TitleStatus[]
  const title = theOne(
    name,
    words,
    found.filter(
      title => (year === undefined || title.year === year) && (season === undefined || title.kind === 'show'),
    ),
  )
  const streams = title.streams
    .filter(stream => season === undefined || stream.season === season)
    .filter(stream => episode === undefined || stream.number === episode)
  const meant = streams.filter(naming.isMeant)
  const part = `${season === undefined ? '' : `, season ${season}`}${episode === undefined ? '' : `, episode ${episode}`}`
  const label = `${labelOf(title)}${part}`
  if (streams.length === 0) throw new CommandError(`${labelOf(title)} has no such part${part}`)
  if (meant.length === 0) throw new CommandError(`${label}: ${naming.ifNone}`)
  return { label, variantIds: meant.map(({ variantId }) => variantId) }
}

interface Parts {
  readonly words: string
  readonly year?: number
  readonly season?: number
  readonly episode?: number
}

/** `Harbour Lights`, `Harbour Lights (2019)`. */
function partsOfText(text: string): Parts {
  const [, words, year] = /^(.*?)(?:\s*\((\d{4})\))?$/s.exec(text.trim()) ?? []
  return { words: words || text, ...(year !== undefined && { year: Number(year) }) }
}

/** `/TV/Harbour Lights (2019) {tmdb-7}/Season 01/Harbour Lights (2019) - s01e02 - Departures.mkv`, or less of it. */
function partsOfPath(path: string): Parts {
  const [, folder, season, file] = path.split('/').filter(Boolean)
  if (folder === undefined) {
    throw new CommandError(`${path} is a whole library: name a film, a show or a part of one in it`, exitCode.usage)
  }
  const [, seasonNumber] = /^season (\d+)$/i.exec(season ?? '') ?? []
  const [, episodeNumber] = / - s\d+e(\d+)/i.exec(file ?? '') ?? []
  return {
    ...partsOfText(folder.replace(/\s*\{[^}]*\}/g, '')),
    ...(seasonNumber !== undefined && { season: Number(seasonNumber) }),
    ...(episodeNumber !== undefined && { episode: Number(episodeNumber) }),
  }
}

/** The only one, or the only one that is called exactly that. */
function theOne(name: string, words: string, found: readonly TitleStatus[]): TitleStatus {
  const exact = found.filter(title => bare(title.name) === bare(words))
  const [title, another] = exact.length > 0 ? exact : found
  if (title === undefined) throw new CommandError(`No title is called ${JSON.stringify(name)}`)
  if (another === undefined) return title
  const several = exact.length > 0 ? exact : found
  const lines = several.slice(0, maxShown).map(title => `  ${labelOf(title)}, ${contentsOf(title)}`)
  const more = several.length > maxShown ? ['  …'] : []
  throw new CommandError(
    [`${JSON.stringify(name)} may be any of these; add the year, or use a number:`, ...lines, ...more].join('\n'),
  )
}

function contentsOf({ kind, streams }: TitleStatus): string {
  if (kind === 'show') return `a show with ${streams.length} streams`
  return `a film, ${streams.map(({ variantId }) => variantId).join(', ')}`
}

function labelOf({ name, year }: TitleStatus): string {
  return year === null ? name : `${name} (${year})`
}

/** Letters and digits alone. */
function bare(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}
