/** Those who wait for what becomes of an entry. */
export class Waiters {
  readonly #waiting = new Map<number, Set<PromiseWithResolvers<void>>>()

  /** Settles with the next outcome, or rejects with the signal's reason. */
  async wait(variantId: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const waiter = Promise.withResolvers<void>()
    const others = this.#waiting.get(variantId) ?? new Set()
    this.#waiting.set(variantId, others.add(waiter))
    const leave = () => waiter.reject(signal?.reason)
    signal?.addEventListener('abort', leave)
    try {
      await waiter.promise
    } finally {
      signal?.removeEventListener('abort', leave)
      others.delete(waiter)
      if (others.size === 0 && this.#waiting.get(variantId) === others) this.#waiting.delete(variantId)
    }
  }

  /** It is made; or with an error, it is not. */
  settle(variantId: number, error?: Error): void {
    const waiting = this.#waiting.get(variantId)
    this.#waiting.delete(variantId)
    for (const { resolve, reject } of waiting ?? []) error === undefined ? resolve() : reject(error)
  }

  settleAll(error: Error): void {
    for (const variantId of [...this.#waiting.keys()]) this.settle(variantId, error)
  }
}
