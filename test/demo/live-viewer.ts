import type { TestClock } from '../lib/test-clock.ts'
import { until } from '../lib/until.ts'
import { get, type RawAnswer, type RawRequest } from './raw-client.ts'

/** Somebody who watches a transport stream until the test lets him leave. */
export interface Viewer {
  readonly bytes: number
  /** The provider ended it, in one way or another. */
  readonly isOver: boolean
  /** Waits until so many bytes came. */
  has(wanted: number): Promise<unknown>
  /** What came when the stream is over by itself. */
  readonly whole: Promise<RawAnswer>
  /** Hangs up. What came. */
  leave(): Promise<Buffer>
}

export function viewer(url: string, { headers }: Pick<RawRequest, 'headers'> = {}): Viewer {
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>()
  let [bytes, isOver] = [0, false]
  const see = (seen: number) => {
    bytes = seen
    return false
  }
  const whole = get(url, { ...(headers && { headers }), until: see, giveUp: gone }).finally(() => {
    isOver = true
  })
  return {
    get bytes() {
      return bytes
    },
    get isOver() {
      return isOver
    },
    whole,
    has: wanted => until(`${wanted} bytes`, () => bytes >= wanted),
    async leave() {
      leave()
      return (await whole).body
    },
  }
}

/** Time passes for the only viewer, as the provider's own clock ticks: ten times in a second. */
export async function watch(clock: TestClock, viewer: Viewer, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    await until('the viewer to be waited for', () => clock.sleepers > 0 || viewer.isOver)
    await clock.advance(100)
  }
  await until('the viewer to be waited for', () => clock.sleepers > 0 || viewer.isOver)
}
