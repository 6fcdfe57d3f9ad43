/** Silence is looked for in what an upstream did within this time. */
const windowMs = 60_000
/** Shorter silences are none. */
const leastMs = 20

/**
 * How an upstream breathes: some send all the time, some once in two seconds, and a playlist's segments come ten seconds apart.
 * What a silence means depends on those before it.
 */
export class Pulse {
  #last: number
  #windowAt: number
  #longest = 0
  #longestBefore = 0
  #pauses = 0

  constructor(now: number) {
    this.#last = now
    this.#windowAt = now
  }

  /** It is read from now on: what was before is no silence of its. */
  begin(now: number): void {
    this.#last = now
  }

  /** It gave something, or was left for giving nothing. */
  beat(now: number): void {
    const pause = now - this.#last
    this.#last = now
    if (now - this.#windowAt > windowMs) {
      this.#windowAt = now
      this.#longestBefore = this.#longest
      this.#longest = 0
    }
    if (pause < leastMs) return
    this.#pauses++
    if (pause > this.#longest) this.#longest = pause
  }

  /** Its longest silence of the last minute or two, in milliseconds. */
  get longestMs(): number {
    return Math.max(this.#longest, this.#longestBefore)
  }

  /** Silences so far. */
  get pauses(): number {
    return this.#pauses
  }
}
