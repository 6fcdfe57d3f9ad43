import { difference, ticksPerSecond } from '../lib/mpegts/packets.ts'
import type { Hold, JoinPoint, Ring } from './ring.ts'

/** Segments begin at key frames, at least so long after the one before. */
const segmentSeconds = 2
const windowSegments = 6
/** Kept a little longer than they are listed, for clients that are about to ask. */
const keptSegments = 10
const maxSegmentSeconds = 30

interface CutSegment {
  readonly number: number
  readonly seconds: number
  readonly startsAt: Date
  readonly bytes: Uint8Array
}

/** A session's stream as HLS (RFC 8216): segments of MPEG-TS that are cut where decoders can begin. */
export class Cutter implements Disposable {
  readonly #ring: Ring
  readonly #now: () => number
  readonly #listening: Disposable
  readonly #hold: Hold
  readonly #segments: CutSegment[] = []
  #start: JoinPoint | undefined
  #startedAt = 0
  #count = 0
  #more = Promise.withResolvers<void>()

  constructor(ring: Ring, now: () => number) {
    this.#ring = ring
    this.#now = now
    this.#hold = ring.hold()
    this.#listening = ring.onJoin(point => this.#join(point))
  }

  /** The playlist. Waits for the first segment. @throws the signal's reason. */
  async playlist(address: (name: string) => string, signal: AbortSignal): Promise<string> {
    const aborted = Promise.withResolvers<never>()
    const abort = () => aborted.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      while (this.#segments.length === 0) await Promise.race([this.#more.promise, aborted.promise])
    } finally {
      signal.removeEventListener('abort', abort)
    }
    const listed = this.#segments.slice(-windowSegments)
    const target = Math.ceil(Math.max(...listed.map(({ seconds }) => seconds)))
    return [
      ...['#EXTM3U', '#EXT-X-VERSION:3', `#EXT-X-TARGETDURATION:${target}`],
      `#EXT-X-MEDIA-SEQUENCE:${listed[0]!.number}`,
      '#EXT-X-INDEPENDENT-SEGMENTS',
      ...listed.flatMap(({ number, seconds, startsAt }) => [
        `#EXT-X-PROGRAM-DATE-TIME:${startsAt.toISOString()}`,
        `#EXTINF:${seconds.toFixed(3)},`,
        address(`cut-${number}.ts`),
      ]),
      '',
    ].join('\n')
  }

  segment(name: string): Uint8Array | undefined {
    const [, number] = /^cut-(\d+)\.ts$/.exec(name) ?? []
    return this.#segments.find(segment => segment.number === Number(number))?.bytes
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]()
    this.#hold[Symbol.dispose]()
  }

  #join(point: JoinPoint): void {
    const start = this.#start
    if (start === undefined) {
      this.#begin(point)
      return
    }
    const seconds = difference(start.time, point.time) / ticksPerSecond
    if (seconds >= 0 && seconds < segmentSeconds) return
    const bytes = this.#ring.copy(start.position, point.position)
    if (bytes !== undefined && seconds > 0 && seconds <= maxSegmentSeconds) {
      const whole = Buffer.concat([start.tables, bytes])
      this.#segments.push({ number: this.#count++, seconds, startsAt: new Date(this.#startedAt), bytes: whole })
      if (this.#segments.length > keptSegments) this.#segments.shift()
      this.#more.resolve()
      this.#more = Promise.withResolvers<void>()
    }
    this.#begin(point)
  }

  #begin(point: JoinPoint): void {
    this.#start = point
    this.#hold.from(point.position)
    this.#startedAt = this.#now()
  }
}
