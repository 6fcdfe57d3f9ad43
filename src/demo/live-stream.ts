import type { Answer, Exchange } from './answer.ts'
import type { LiveSource } from './live.ts'

/** A viewer gets the last so many seconds of a channel at once, and then what is new, when it is. */
const BURST_MS = 2000
const TICK_MS = 100
const PACKET_BYTES = 188

/** A channel's transport stream, from shortly before now until the viewer leaves. */
export function liveAnswer(source: LiveSource, exchange: Exchange): Answer {
  return { status: 200, headers: { 'content-type': 'video/mp2t' }, body: transportStream(source, exchange) }
}

/**
 * The channel at the speed it plays, by the clock: at any time all viewers have had the same packet last. Each yield is of
 * whole packets.
 */
async function* transportStream(
  { tracks, segmentSeconds, joinsAnywhere }: LiveSource,
  { clock, signal, faults }: Exchange,
): AsyncGenerator<Buffer> {
  const [track] = tracks
  const { jumpAfterMs = Number.POSITIVE_INFINITY, jumpBySeconds = 0 } = faults
  const segmentMs = segmentSeconds * 1000
  /** How much of a segment has played by a time, in bytes. */
  const playedOf = (n: number, bytes: number, time: number) => {
    const share = Math.min(1, Math.max(0, (time - n * segmentMs) / segmentMs))
    return Math.floor((bytes * share) / PACKET_BYTES) * PACKET_BYTES
  }
  const startedAt = clock.now()
  let jumped = 0
  let n = Math.floor((startedAt - BURST_MS) / segmentMs)
  let segment = track!.segment(n)
  let sent = joinsAnywhere === true ? playedOf(n, segment.length, startedAt - BURST_MS) : 0
  while (!signal.aborted) {
    if (jumped === 0 && clock.now() - startedAt >= jumpAfterMs) {
      // As if the provider's own copy of the channel began elsewhere: everything follows from the number.
      jumped = Math.round(jumpBySeconds / segmentSeconds)
      n += jumped
      segment = track!.segment(n)
      sent = playedOf(n, segment.length, clock.now() + jumped * segmentMs)
    }
    const due = playedOf(n, segment.length, clock.now() + jumped * segmentMs)
    if (due > sent) yield segment.subarray(sent, due)
    sent = Math.max(sent, due)
    if (sent === segment.length) {
      segment = track!.segment(++n)
      sent = 0
    } else {
      await clock.sleep(TICK_MS, signal).catch(() => {})
    }
  }
}
