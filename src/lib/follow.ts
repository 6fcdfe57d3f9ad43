/**
 * Aborts a controller when a signal is, for the same reason, until it is aborted anyway: so abort each when it is done with.
 * AbortSignal.any needs no end, but leaves weak references that the young generation's collector takes for strong ones: of
 * thousands of signals a second, all stay until the next collection of everything, and make that long.
 */
export function follow(controller: AbortController, signal: AbortSignal): void {
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  controller.signal.addEventListener('abort', () => signal.removeEventListener('abort', abort), { once: true })
}
