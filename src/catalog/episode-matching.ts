import { normaliseName } from './matching.ts'
import type { ProviderEpisode } from './ports.ts'

/** An episode as it was known: the part of a variant that recognising needs. */
export interface KnownEpisode {
  /** Null once the provider has given the key to something else. */
  readonly key: string | null
  readonly season: number | null
  readonly number: number | null
  readonly name: string | null
}

export interface EpisodeMatch<T extends KnownEpisode = KnownEpisode> {
  readonly episode: ProviderEpisode
  /** The same episode, as known before. */
  readonly variant: T | undefined
  /** What had the key before, and is another episode. */
  readonly replaces?: T
}

/** What must agree, in order of trust; each recognises where exactly one of both sides is left with it. */
const agreements: readonly ((key: string | null, content: Content) => string | undefined)[] = [
  (key, { season, number, title }) => (key === null ? undefined : JSON.stringify([key, season, number, title])),
  (_, { season, number, title }) => JSON.stringify([season, number, title]), // another id
  (key, { title }) => (key === null || title === '' ? undefined : JSON.stringify([key, title])), // another place
  (_, { season, number }) => JSON.stringify([season, number]), // another id and title
]

interface Content {
  readonly season: number | null
  readonly number: number | null
  readonly title: string
}

/**
 * Which known episode of a show each offered one is. What had an offered key, but is something else, comes along as
 * what the new one replaces. Keys of `offered` are unique.
 */
export function matchEpisodes<T extends KnownEpisode>(
  known: readonly T[],
  offered: readonly ProviderEpisode[],
): readonly EpisodeMatch<T>[] {
  const result = new Map<ProviderEpisode, T>()
  const taken = new Set<T>()
  for (const agreement of agreements) {
    const candidates = groupBy(known, variant =>
      taken.has(variant) ? undefined : agreement(variant.key, knownContent(variant)),
    )
    const fresh = groupBy(offered, episode =>
      result.has(episode) ? undefined : agreement(episode.key, offeredContent(episode)),
    )
    for (const [text, [episode, ...others]] of fresh) {
      const [variant, ...rivals] = candidates.get(text) ?? []
      if (episode === undefined || variant === undefined || others.length + rivals.length > 0) continue
      result.set(episode, variant)
      taken.add(variant)
    }
  }
  const holders = new Map(known.flatMap(variant => (variant.key === null ? [] : [[variant.key, variant] as const])))
  return offered.map(episode => {
    const variant = result.get(episode)
    const holder = holders.get(episode.key)
    if (variant !== undefined || holder === undefined || taken.has(holder)) return { episode, variant }
    // Without a title on both sides nothing speaks against the key.
    const untitled = knownContent(holder).title === '' || offeredContent(episode).title === ''
    return untitled ? { episode, variant: holder } : { episode, variant: undefined, replaces: holder }
  })
}

/**
 * Of an incomplete answer, the episodes that can be taken without knowing the rest: those whose key and content are
 * known, and those of which neither is. The others may have been renumbered and wait for a complete answer.
 */
export function surelyNotRenumbered(
  known: readonly KnownEpisode[],
  offered: readonly ProviderEpisode[],
): readonly ProviderEpisode[] {
  const contents = new Set(known.map(variant => JSON.stringify(knownContent(variant))))
  const byKey = new Map(known.map(variant => [variant.key, variant]))
  return offered.filter(episode => {
    const content = JSON.stringify(offeredContent(episode))
    const holder = byKey.get(episode.key)
    return holder === undefined ? !contents.has(content) : content === JSON.stringify(knownContent(holder))
  })
}

const titleOf = (name: string | null | undefined) => (name == null || name.trim() === '' ? '' : normaliseName(name))
const knownContent = ({ season, number, name }: KnownEpisode): Content => ({ season, number, title: titleOf(name) })
const offeredContent = ({ season, number, title }: ProviderEpisode): Content => ({
  season,
  number,
  title: titleOf(title),
})

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    if (key === undefined) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
