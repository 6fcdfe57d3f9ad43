/** Lets whatever else waits for this thread have it. Rejects with the signal's reason once that is aborted. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  signal.throwIfAborted()
}
