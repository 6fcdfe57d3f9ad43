import type { Clock } from '../../src/lib/clock.ts'
import { Secret } from '../../src/lib/secret.ts'
import { PlexHttp } from '../../src/plex/http.ts'
import { type PlexServer, simToken } from './plex-server.ts'

/** A client of the simulated server. */
export function clientOf(
  server: Pick<PlexServer, 'url'>,
  { token = simToken as string | undefined, answerMs = 20_000, maxAnswerMs = 60_000 } = {},
) {
  return new PlexHttp({
    ...{ url: server.url, clientId: 'reelport-test', version: '0.0.0', connectMs: 5_000, answerMs, maxAnswerMs },
    token: token === undefined ? undefined : new Secret(token),
  })
}

/** A clock on which every wait is over at once, and has taken its time. */
export function hastyClock(): Clock & { pass(ms: number): void } {
  let now = 1_700_000_000_000
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      now += ms
      await new Promise(resolve => setImmediate(resolve))
    },
    pass(ms) {
      now += ms
    },
  }
}
