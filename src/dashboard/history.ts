import type { Counters, History, Sample } from './model.ts'

/** What the plots show: samples of the last while, in memory. */
export class SampleHistory {
  readonly #samples: Sample[] = []
  readonly #limit: number
  #last: { readonly at: number; readonly counters: Counters } | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Makes a sample of what happened since the last call; the first only begins. */
  take(counters: Counters, at: number): void {
    const before = this.#last
    this.#last = { at, counters }
    if (before === undefined || at <= before.at) return
    const seconds = (at - before.at) / 1000
    const since = (name: keyof Counters) => counters[name] - before.counters[name]
    const waited = since('waitedCalls')
    this.#samples.push({
      at,
      nfsBytes: Math.round(since('nfsBytes') / seconds),
      fetchedBytes: Math.round(since('fetchedBytes') / seconds),
      liveBytes: Math.round(since('liveBytes') / seconds),
      calls: Math.round((since('calls') / seconds) * 10) / 10,
      waitMs: waited > 0 ? Math.round((since('waitedMs') / waited) * 10) / 10 : 0,
      connections: counters.connections,
      cachedBytes: counters.cachedBytes,
    })
    if (this.#samples.length > this.#limit) this.#samples.shift()
  }

  get latest(): Sample | undefined {
    return this.#samples.at(-1)
  }

  columns(): History {
    const column = (name: keyof Sample) => this.#samples.map(sample => sample[name])
    return {
      at: column('at'),
      nfsBytes: column('nfsBytes'),
      fetchedBytes: column('fetchedBytes'),
      liveBytes: column('liveBytes'),
      calls: column('calls'),
      waitMs: column('waitMs'),
      connections: column('connections'),
      cachedBytes: column('cachedBytes'),
    }
  }
}
