/** A cached file as the policy sees it. */
export interface Candidate {
  readonly id: number
  /** Bytes on disk. */
  readonly bytes: number
  /** Of these, bytes of the head and tail, which scanners come back for. */
  readonly keepBytes: number
  /** Being read or fetched: never touched. */
  readonly busy: boolean
  /** What is dropped takes long to make again. */
  readonly costly: boolean
}

export interface Eviction {
  readonly id: number
  /** `body`: all but head and tail. */
  readonly drop: 'body' | 'all'
}

/**
 * What to drop, in this order, to free at least `bytes`, or everything that may go when that is not enough. `candidates`
 * come least recently used first, and may be gone through three times. Bodies go before any head or tail, those that cost
 * little before those that take long to make again; a file that loses both is dropped at once.
 */
export function chooseEvictions(candidates: Iterable<Candidate>, bytes: number): readonly Eviction[] {
  const chosen = new Map<number, Eviction['drop']>()
  let free = 0
  for (const isCostly of [false, true]) {
    for (const { id, keepBytes, ...candidate } of candidates) {
      if (free >= bytes) break
      if (candidate.busy || candidate.costly !== isCostly || candidate.bytes === keepBytes) continue
      chosen.set(id, keepBytes > 0 ? 'body' : 'all')
      free += candidate.bytes - keepBytes
    }
  }
  for (const { id, keepBytes, busy } of candidates) {
    if (free >= bytes) break
    if (busy || keepBytes === 0) continue
    chosen.set(id, 'all')
    free += keepBytes
  }
  return [...chosen].map(([id, drop]) => ({ id, drop }))
}
