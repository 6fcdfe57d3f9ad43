import { discontinuityPacket, packetBytes, patPid, pidOf } from '../lib/mpegts/packets.ts'
import type { Entry, Output } from './splicer.ts'

/** Whole packets, and so much that a block is worth a write of its own: 348 packets. */
const blockBytes = 348 * packetBytes

/** What a viewer has been given this long before is sent, or copied. */
export const reuseBytes = 512 * 1024
/** What nobody needs any more is kept so long, for those who come or are asked for a copy. */
const keptBytes = 2 ** 20
/** Blocks kept to be used again. */
const maxFree = 4

interface Block {
  /** Position of its first byte in the stream. */
  readonly start: number
  readonly bytes: Uint8Array
  /** Final bytes. */
  length: number
}

/** A place where decoders can begin. */
export interface JoinPoint extends Omit<Entry, 'at'> {
  /** In the stream, in bytes. */
  readonly position: number
}

/** One viewer's place in the stream. */
export interface Cursor extends Disposable {
  /**
   * What comes next: whole packets, as many as are here in one piece. Waits while there is nothing new; undefined at the end
   * of the stream. The memory is everybody's, and is used again: it must not be changed, and holds these bytes until the viewer
   * has been given `reuseBytes` more.
   *
   * @throws the signal's reason; what the stream was ended with.
   */
  next(signal: AbortSignal): Promise<Uint8Array | undefined>
  /** How often it was too slow, and had to leave something out. */
  readonly skips: number
}

interface State {
  position: number
  /** What goes before the bytes at it. */
  pending: Uint8Array | undefined
  skips: number
  /** The signal by which it is woken. */
  signal: AbortSignal | undefined
}

/** A part of the stream that somebody is going to copy. */
export interface Hold extends Disposable {
  from(position: number): void
}

/**
 * The end of a stream, for any number of viewers: blocks of packets that are written once and read by everybody, and given up
 * when everybody has them, or there is too much. Nobody waits for anybody: who is too slow goes on at the latest place where
 * decoders can begin.
 */
export class Ring implements Output {
  readonly #maxBytes: number
  readonly #blocks: Block[] = []
  readonly #joins: JoinPoint[] = []
  #end = 0
  #waiting: PromiseWithResolvers<void> | undefined
  #outcome: { readonly error: unknown } | undefined
  readonly #free: Uint8Array[] = []
  readonly #cursors = new Set<{ readonly position: number }>()
  readonly #listeners = new Set<(point: JoinPoint) => void>()

  /** `maxBytes` of packets are kept at most, for those who are slow; at least four blocks. */
  constructor(maxBytes: number) {
    this.#maxBytes = Math.max(maxBytes, 4 * blockBytes)
  }

  /** Bytes put in, from the beginning. */
  get end(): number {
    return this.#end
  }

  get hasBytes(): boolean {
    return this.#end > 0
  }

  reserve(bytes: number): Uint8Array {
    const last = this.#blocks.at(-1)
    if (last !== undefined && last.bytes.length - last.length >= bytes) return last.bytes.subarray(last.length)
    const free = bytes <= blockBytes ? this.#free.pop() : undefined
    const room = free ?? Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes))
    const block = { start: this.#end, bytes: room, length: 0 }
    this.#blocks.push(block)
    this.#trim()
    return block.bytes
  }

  commit(bytes: number, entries: readonly Entry[]): void {
    if (bytes === 0) return
    const block = this.#blocks.at(-1)!
    const start = this.#end
    block.length += bytes
    this.#end += bytes
    for (const { at, ...entry } of entries) {
      const point = { ...entry, position: start + at }
      this.#joins.push(point)
      for (const tell of this.#listeners) tell(point)
    }
    this.#wake()
  }

  /** Nothing comes any more. Viewers get what there is, and then the error, if one is given. */
  close(error?: unknown): void {
    this.#outcome ??= { error }
    this.#wake()
  }

  /** Begins at the latest place where decoders can, with what they need before; where there is none, at the oldest byte. */
  join(): Cursor {
    const point = this.#joins.at(-1)
    const position = point?.position ?? this.#oldest
    const state: State = { position, pending: point?.tables, skips: 0, signal: undefined }
    this.#cursors.add(state)
    return {
      next: signal => this.#next(state, signal),
      get skips() {
        return state.skips
      },
      [Symbol.dispose]: () => {
        this.#cursors.delete(state)
        state.position = Number.POSITIVE_INFINITY
      },
    }
  }

  /** Keeps what is behind a position, as far as `maxBytes` go; nothing until one is set. */
  hold(): Hold {
    const state = { position: Number.POSITIVE_INFINITY }
    this.#cursors.add(state)
    return {
      from: position => {
        state.position = position + reuseBytes
      },
      [Symbol.dispose]: () => void this.#cursors.delete(state),
    }
  }

  get hasJoins(): boolean {
    return this.#joins.length > 0
  }

  /** Tells of each place where decoders can begin, as soon as it is put in, until disposed of. */
  onJoin(tell: (point: JoinPoint) => void): Disposable {
    this.#listeners.add(tell)
    return { [Symbol.dispose]: () => void this.#listeners.delete(tell) }
  }

  /** A copy of the bytes from one position to another; undefined when they are not all here. */
  copy(from: number, to: number): Uint8Array | undefined {
    if (from < this.#oldest || to > this.#end) return undefined
    const parts: Uint8Array[] = []
    for (let at = from; at < to; ) {
      const part = this.#from(at)
      if (part === undefined) return undefined
      parts.push(part.subarray(0, to - at))
      at += part.length
    }
    return Buffer.concat(parts)
  }

  async #next(state: State, signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      signal.throwIfAborted()
      if (state.position < this.#oldest) this.#skip(state)
      const { pending } = state
      if (pending !== undefined) {
        state.pending = undefined
        return pending
      }
      const part = this.#from(state.position)
      if (part !== undefined) {
        state.position += part.length
        return part
      }
      if (this.#outcome !== undefined) {
        if (this.#outcome.error !== undefined) throw this.#outcome.error
        return undefined
      }
      await this.#more(state, signal)
    }
  }

  /** A viewer that was overtaken: the streams are said not to go on, each with the counter that comes next. */
  #skip(state: State): void {
    state.skips++
    const point = this.#joins.at(-1)
    if (point === undefined) {
      state.position = this.#oldest
      return
    }
    state.position = point.position
    state.pending = introduction(point)
  }

  #from(position: number): Uint8Array | undefined {
    const block = this.#blocks.findLast(({ start }) => start <= position)
    if (block === undefined || position >= block.start + block.length) return undefined
    return block.bytes.subarray(position - block.start, block.length)
  }

  get #oldest(): number {
    return this.#blocks[0]?.start ?? 0
  }

  #trim(): void {
    const newest = this.#blocks.at(-1)!
    const most = newest.start + newest.bytes.length - this.#maxBytes
    const unneeded = this.#unneeded()
    while (this.#blocks.length > 2) {
      const { start, length } = this.#blocks[0]!
      const isSent = start + length <= unneeded
      if (start >= most && !isSent) break
      this.#reuse(this.#blocks.shift()!)
    }
    const oldest = this.#oldest
    while (this.#joins.length > 0 && this.#joins[0]!.position < oldest) this.#joins.shift()
  }

  /** The position before which nobody needs anything. */
  #unneeded(): number {
    let before = Math.min(this.#end - keptBytes, this.#joins.at(-1)?.position ?? 0)
    for (const { position } of this.#cursors) before = Math.min(before, position - reuseBytes)
    return before
  }

  /** Memory that no viewer is still sending from is used again: else the garbage would be collected for half of the time. */
  #reuse({ start, length, bytes }: Block): void {
    if (bytes.length !== blockBytes || this.#free.length >= maxFree) return
    const end = start + length + reuseBytes
    for (const { position } of this.#cursors) if (position < end) return
    this.#free.push(bytes)
  }

  #wake(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }

  /** Resolves when there is something new, or anybody's signal was aborted: listening once is cheaper than once for each block. */
  #more(state: State, signal: AbortSignal): Promise<void> {
    if (state.signal !== signal) {
      state.signal = signal
      signal.addEventListener('abort', () => this.#wake(), { once: true })
    }
    this.#waiting ??= Promise.withResolvers<void>()
    return this.#waiting.promise
  }
}

function introduction({ tables, counters }: JoinPoint): Uint8Array {
  const parts: Uint8Array[] = []
  const introduced = new Set<number>()
  for (let at = 0; at < tables.length; at += packetBytes) {
    const pid = pidOf(tables, at)
    if (!introduced.has(pid)) parts.push(discontinuityPacket(pid, (tables[at + 3]! - 1) & 0x0f))
    introduced.add(pid)
    parts.push(tables.subarray(at, at + packetBytes))
  }
  for (const [pid, counter] of counters) if (pid !== patPid) parts.push(discontinuityPacket(pid, counter))
  return Buffer.concat(parts)
}
