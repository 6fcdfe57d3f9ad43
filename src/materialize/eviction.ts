/** A cached file as the policy sees it. */
export interface Candidate {
  readonly id: number
  /** Bytes on disk. */
  readonly bytes: number
  /** Of these, bytes of the head and tail, which scanners come back for. */
  readonly keepBytes: number
  /** Being read or fetched: never touched. */
  readonly busy: boolean
}

export interface Eviction {
  readonly id: number
  /** `body`: all but head and tail. */
  readonly drop: 'body' | 'all'
}

/**
 * What to drop, in this order, to free at least `bytes`, or everything that may go when that is not enough. `candidates`
 * come least recently used first. Bodies go before any head or tail; a file that loses both is dropped at once.
 */
export function chooseEvictions(candidates: Iterable<Candidate>, bytes: number): readonly Eviction[] {
  const chosen = new Map<number, Eviction['drop']>()
  const heads: Candidate[] = []
  let free = 0
  for (const candidate of candidates) {
    if (free >= bytes) break
    if (candidate.busy) continue
    if (candidate.keepBytes > 0) heads.push(candidate)
    if (candidate.bytes === candidate.keepBytes) continue
    chosen.set(candidate.id, candidate.keepBytes > 0 ? 'body' : 'all')
    free += candidate.bytes - candidate.keepBytes
  }
  for (const { id, keepBytes } of heads) {
    if (free >= bytes) break
    chosen.set(id, 'all')
    free += keepBytes
  }
  return [...chosen].map(([id, drop]) => ({ id, drop }))
}
