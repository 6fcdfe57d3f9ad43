/** A growing pause between tries: doubles from `firstMs` up to `maxMs`. */
export interface Backoff {
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait after the `attempt`-th failure in a row (1, 2, 3 …): `firstMs` doubled each time up to `maxMs`,
 * less up to a quarter at random so that many waiters do not come back together. `random` gives [0, 1).
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: Backoff, random: () => number = Math.random): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(full * (1 - random() / 4))
}
