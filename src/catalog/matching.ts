/** What is known about a title when deciding whether two are the same. */
export interface TitleFacts {
  readonly name: string
  readonly year: number | null
  readonly tmdbId: string | null
  readonly imdbId: string | null
}

/**
 * A name as it is compared: without letter case, accents, punctuation and spaces, `&` as `and`, a trailing `, The` in
 * front. Marks that carry meaning (Devanagari vowels, Arabic, Thai) stay. Never empty for a name that is not.
 */
export function normaliseName(name: string): string {
  const moved = name.replace(/^(.*), (the|a|an)$/i, '$2 $1')
  const bare = moved
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replaceAll('&', 'and')
    .replace(/[^\p{L}\p{N}\p{M}]/gu, '')
    .normalize('NFC')
  return bare === '' ? name.normalize('NFC').trim() : bare
}

/** Two titles without ids are the same when this is: name and year. */
export function matchKey(name: string, year: number | null): string {
  return `${normaliseName(name)}|${year ?? ''}`
}

/**
 * Which of the known titles of one kind `facts` belongs to, if any. `candidates` share an id or the match key with it.
 * An id decides; two different ids are never merged. Without an id the match key decides, if it points to one title.
 */
export function chooseTitle<T extends TitleFacts>(facts: TitleFacts, candidates: readonly T[]): T | undefined {
  const fitting = candidates.filter(candidate => !contradicts(facts, candidate))
  const byTmdb = facts.tmdbId === null ? undefined : fitting.find(candidate => candidate.tmdbId === facts.tmdbId)
  if (byTmdb !== undefined) return byTmdb
  const byImdb = facts.imdbId === null ? undefined : fitting.find(candidate => candidate.imdbId === facts.imdbId)
  if (byImdb !== undefined) return byImdb
  const key = matchKey(facts.name, facts.year)
  const byName = fitting.filter(candidate => matchKey(candidate.name, candidate.year) === key)
  const undecided = byName.filter(candidate => candidate.tmdbId === null)
  if (facts.tmdbId !== null) return undecided[0]
  return byName.length === 1 ? byName[0] : undecided[0]
}

function contradicts(a: TitleFacts, b: TitleFacts): boolean {
  if (a.tmdbId !== null && b.tmdbId !== null) return a.tmdbId !== b.tmdbId
  return a.imdbId !== null && b.imdbId !== null && a.imdbId !== b.imdbId
}

/** What one row of a provider's list says, read and cleaned. */
export interface ListingFacts extends TitleFacts {
  /** The provider's own text. */
  readonly rawName: string
}

/**
 * Whether a key whose name changed still stands for the same thing: the same text, the same id, or the same year and a
 * similar title. Different ids are different things whatever the names.
 */
export function looksSame(before: ListingFacts, now: ListingFacts): boolean {
  if (before.rawName === now.rawName) return true
  if (before.tmdbId !== null && now.tmdbId !== null) return before.tmdbId === now.tmdbId
  if (before.imdbId !== null && now.imdbId !== null) return before.imdbId === now.imdbId
  if (before.year !== null && now.year !== null && before.year !== now.year) return false
  const a = normaliseName(before.name)
  const b = normaliseName(now.name)
  if (a === b) return true
  // With a year on one side only, or on none, similar is not enough: "Alien" and "Aliens" would be one film.
  return before.year !== null && before.year === now.year && similarity(a, b) >= minSimilarity
}

/**
 * Whether a show whose name is wholly another one is still the same under the same key: the year is, and no id says
 * otherwise. `Money Heist (2017)` may become `La casa de papel (2017)`; a film's bytes would settle it, a show has none.
 */
export function isTranslated(before: TitleFacts, now: TitleFacts): boolean {
  return before.year !== null && before.year === now.year && !contradicts(before, now)
}

const minSimilarity = 0.75

/** 0 to 1: Dice's coefficient over pairs of letters; one contained in the other at its start counts as its share. */
export function similarity(a: string, b: string): number {
  if (a === b) return 1
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length >= 5 && long.startsWith(short)) return Math.max(0.75, short.length / long.length)
  const pairs = new Map<string, number>()
  for (let at = 0; at + 1 < a.length; at++) {
    const pair = a.slice(at, at + 2)
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1)
  }
  let common = 0
  for (let at = 0; at + 1 < b.length; at++) {
    const pair = b.slice(at, at + 2)
    const left = pairs.get(pair) ?? 0
    if (left === 0) continue
    pairs.set(pair, left - 1)
    common++
  }
  const all = Math.max(0, a.length - 1) + Math.max(0, b.length - 1)
  return all === 0 ? 0 : (2 * common) / all
}
