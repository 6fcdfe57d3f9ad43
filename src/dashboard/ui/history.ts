/** The samples of the last hour: read once, then the newest one as it is told. */

import { effect, signal } from '@preact/signals'
import type { History, Sample } from '../model.ts'
import { get } from './api.ts'
import { isConnected, state } from './store.ts'

const maxSamples = 720
const none: History = {
  at: [],
  nfsBytes: [],
  fetchedBytes: [],
  liveBytes: [],
  calls: [],
  waitMs: [],
  connections: [],
  cachedBytes: [],
}

export const samples = signal<History>(none)

/** Begins to follow them; after a pause of the connection all are read anew. */
export function followSamples(): void {
  effect(() => {
    if (isConnected.value)
      void get<History>('/api/history').then(
        read => (samples.value = read),
        () => {}, // samples come anyway, one at a time
      )
  })
  effect(() => {
    const sample = state.value?.sample
    const { at } = samples.peek()
    if (sample !== undefined && at.length > 0 && sample.at > at.at(-1)!) samples.value = withOne(samples.peek(), sample)
    else if (sample !== undefined && at.length === 0) samples.value = withOne(none, sample)
  })
}

function withOne(history: History, sample: Sample): History {
  const names = Object.keys(history) as (keyof Sample)[]
  return Object.fromEntries(
    names.map(name => [name, [...history[name], sample[name]].slice(-maxSamples)]),
  ) as unknown as History
}
