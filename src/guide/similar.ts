import { wordsOf } from './names.ts'

/** Channels that are looked at for one suggestion: those of which words begin like its rarest. */
const maxCandidates = 150

/** Something that may be what was looked for. */
export interface Suggestion<T> {
  readonly item: T
  /** From 0 to 1, which is the same name. */
  readonly score: number
}

/** Finds names that are like others, by the pairs of letters they share (Dice's coefficient). */
export class SimilarNames<T> {
  readonly #entries: { readonly item: T; readonly name: string }[] = []
  readonly #byBeginning = new Map<string, number[]>()
  readonly #pairs = new Map<number, ReadonlySet<string>>()

  add(name: string, item: T): void {
    const words = wordsOf(name)
    const at = this.#entries.push({ item, name: words.join(' ') }) - 1
    for (const beginning of beginningsOf(words)) {
      const list = this.#byBeginning.get(beginning)
      if (list === undefined) this.#byBeginning.set(beginning, [at])
      else list.push(at)
    }
  }

  /** The `count` most similar items, the best first. */
  find(names: readonly string[], count: number): readonly Suggestion<T>[] {
    const best = new Map<T, number>()
    for (const name of names) {
      const words = wordsOf(name)
      const wanted = pairsOf(words.join(' '))
      for (const at of this.#candidates(words)) {
        const score = dice(wanted, this.#pairsAt(at))
        const { item } = this.#entries[at]!
        if (score > (best.get(item) ?? 0)) best.set(item, score)
      }
    }
    return [...best]
      .map(([item, score]) => ({ item, score: Math.round(score * 100) / 100 }))
      .sort((a, b) => b.score - a.score)
      .slice(0, count)
  }

  #candidates(words: readonly string[]): ReadonlySet<number> {
    const lists = [...beginningsOf(words)]
      .map(beginning => this.#byBeginning.get(beginning) ?? [])
      .sort((a, b) => a.length - b.length)
    const found = new Set<number>()
    for (const list of lists) {
      for (const at of list) {
        if (found.size >= maxCandidates) return found
        found.add(at)
      }
    }
    return found
  }

  #pairsAt(at: number): ReadonlySet<string> {
    const known = this.#pairs.get(at)
    if (known !== undefined) return known
    const pairs = pairsOf(this.#entries[at]!.name)
    this.#pairs.set(at, pairs)
    return pairs
  }
}

/** Of words: enough to find `SkyOne` for `Sky One`. */
function beginningsOf(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map(word => word.slice(0, 3)))
}

function pairsOf(text: string): ReadonlySet<string> {
  const padded = ` ${text} `
  const pairs = new Set<string>()
  for (let at = 1; at < padded.length; at++) pairs.add(padded.slice(at - 1, at + 1))
  return pairs
}

function dice(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0
  for (const pair of a) if (b.has(pair)) shared++
  return (2 * shared) / (a.size + b.size)
}
