import type { Socket } from 'node:net'
import type { BufferPool } from './buffer-pool.ts'
import { RecordStream, recordMark } from './record-stream.ts'
import type { Call, Peer } from './rpc-call.ts'
import type { RpcDispatcher } from './rpc-dispatcher.ts'
import { XdrReader } from './xdr-reader.ts'
import { XdrWriter } from './xdr-writer.ts'

/** Replies are written as soon as they amount to this; smaller ones wait for the others to the same piece of input. */
const flushBytes = 256 * 1024
/** A reply of this size took work, such as a page of a directory: whose turn it is, is then looked at after each one. */
const heavyReplyBytes = 512
/** Longest that one connection keeps the event loop, in milliseconds, before others get their turn. */
const sliceMs = 2

export interface ConnectionOptions {
  readonly maxRecordBytes: number
  readonly maxFragments: number
  /** Calls waiting for their answer; further ones are not read until one of them is answered. */
  readonly maxCalls: number
  /** Bytes of replies that the socket has not taken yet; no call is read above it. */
  readonly maxQueuedBytes: number
  /** A connection that is silent this long, in milliseconds, is closed unless one of its calls is waiting. */
  readonly idleMs: number
}

/** One TCP connection: reads calls, answers them in whatever order they are ready, and bounds what they take. */
export class RpcConnection {
  readonly peer: Peer
  /** Milliseconds since the epoch. */
  readonly since = Date.now()
  readonly #socket: Socket
  readonly #dispatcher: RpcDispatcher
  readonly #options: ConnectionOptions
  readonly #records: RecordStream
  readonly #reader = new XdrReader()
  readonly #writer: XdrWriter
  readonly #waiting = new Set<Call>()
  #queuedBytes = 0
  #flushScheduled = false
  #stalled = false
  #draining = false

  constructor(socket: Socket, peer: Peer, dispatcher: RpcDispatcher, buffers: BufferPool, options: ConnectionOptions) {
    this.peer = peer
    this.#socket = socket
    this.#dispatcher = dispatcher
    this.#options = options
    this.#records = new RecordStream(options)
    this.#writer = new XdrWriter(buffers)
    socket.on('data', chunk => this.#receive(chunk as Buffer))
    socket.on('error', () => {}) // 'close' follows, and says all there is to know
    socket.on('close', () => this.#close())
    socket.setTimeout(options.idleMs, () => this.#idle())
  }

  /** Calls that wait for their answer. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Reads no more calls and closes when those begun have been answered. */
  drain(): void {
    this.#draining = true
    this.#endIfDrained()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#records.push(chunk)
    if (!this.#stalled) this.#answer()
  }

  /** Answers the calls that have arrived until there are no more, a limit is reached, or it is somebody else's turn. */
  #answer(): void {
    this.#stalled = false
    const until = performance.now() + sliceMs
    for (let calls = 1; ; calls++) {
      if (this.#socket.destroyed) break
      if (this.#isFull()) {
        this.#stall()
        break
      }
      const before = this.#writer.length
      if (!this.#nextCall()) {
        if (this.#socket.isPaused()) this.#socket.resume()
        break
      }
      const work = this.#writer.length - before
      if (this.#writer.length >= flushBytes) this.#flush()
      if ((work >= heavyReplyBytes || calls % 16 === 0) && performance.now() > until) {
        this.#stall()
        setImmediate(() => this.#goOn())
        break
      }
    }
    this.#flush()
  }

  #isFull(): boolean {
    const { maxCalls, maxQueuedBytes } = this.#options
    return this.#draining || this.#waiting.size >= maxCalls || this.#queuedBytes >= maxQueuedBytes
  }

  #stall(): void {
    this.#stalled = true
    this.#socket.pause()
  }

  #goOn(): void {
    if (this.#stalled && !this.#socket.destroyed && !this.#isFull()) this.#answer()
  }

  #nextCall(): boolean {
    const records = this.#records
    try {
      if (!records.next()) return false
    } catch {
      this.destroy() // RecordError: where the next record begins is anybody's guess
      return false
    }
    const mark = this.#beginRecord()
    const before = this.#writer.length
    const from = this.#reader.reset(records.bytes, records.start, records.end)
    const dispatched = this.#dispatcher.dispatch(from, this.#writer, this.peer)
    if (dispatched === 'answered') {
      this.#writer.patchU32(mark, recordMark(this.#writer.length - before))
      return true
    }
    this.#writer.truncate(mark)
    if (dispatched === 'not-a-call') this.destroy()
    else {
      this.#waiting.add(dispatched.call)
      void dispatched.reply.then(write => this.#answerLate(dispatched.call, write))
    }
    return true
  }

  #answerLate(call: Call, write: (to: XdrWriter) => void): void {
    this.#waiting.delete(call)
    const mark = this.#beginRecord()
    const before = this.#writer.length
    write(this.#writer)
    this.#writer.patchU32(mark, recordMark(this.#writer.length - before))
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    setImmediate(() => {
      this.#flushScheduled = false
      this.#flush()
      this.#goOn()
      this.#endIfDrained()
    })
  }

  #beginRecord(): number {
    const mark = this.#writer.position
    this.#writer.u32(0)
    return mark
  }

  /** Everything encoded so far goes to the socket in one gathered write. */
  #flush(): void {
    if (this.#writer.length === 0) return
    const { chunks, length, release } = this.#writer.take()
    this.#queuedBytes += length
    const sent = () => {
      this.#queuedBytes -= length
      release()
      this.#goOn()
      this.#endIfDrained()
    }
    if (!this.#socket.writable) return void process.nextTick(sent)
    const last = chunks.length - 1
    if (last > 0) this.#socket.cork()
    for (let at = 0; at < last; at++) this.#socket.write(chunks[at]!)
    this.#socket.write(chunks[last]!, sent)
    if (last > 0) this.#socket.uncork()
  }

  #idle(): void {
    if (this.#waiting.size === 0) this.destroy()
    else this.#socket.setTimeout(this.#options.idleMs)
  }

  #endIfDrained(): void {
    if (!this.#draining || this.#socket.writableEnded) return
    if (this.#waiting.size > 0 || this.#queuedBytes > 0 || this.#writer.length > 0) return
    this.#socket.end(() => this.destroy())
  }

  #close(): void {
    const reason = new Error('The connection is closed')
    reason.name = 'AbortError'
    for (const call of this.#waiting) call.abort(reason)
  }
}
