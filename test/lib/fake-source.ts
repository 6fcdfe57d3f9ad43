import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type ByteSource,
  type Container,
  type OpenOptions,
  SourceError,
  type SourceErrorCode,
  type SourceFacts,
  type SourceRef,
} from '../../src/materialize/ports.ts'

/** What one request does instead of answering as it should. */
export type Fault =
  | { readonly type: 'fail'; readonly code: SourceErrorCode; readonly retryAfterMs?: number }
  /** The body ends with `code`, as a dropped connection does, after this many bytes. */
  | { readonly type: 'break'; readonly after: number; readonly code: SourceErrorCode }
  /** The body simply ends: a source that breaks its promise. */
  | { readonly type: 'short'; readonly after: number }
  /** More bytes than were asked for. */
  | { readonly type: 'long' }
  /** Nothing comes, after this many bytes, until the request is given up. */
  | { readonly type: 'stall'; readonly after: number }

export interface FakeFile {
  bytes: Uint8Array
  etag?: string
  lastModified?: string
  container?: Container
  ranged?: boolean
  /** Faults of the next requests, one for each. */
  faults?: (Fault | undefined)[]
}

export interface Request {
  readonly kind: 'measure' | 'open'
  readonly locator: string
  readonly from: number
  readonly to: number | undefined
  readonly priority: string
  /** Bytes handed over so far. */
  bytes: number
  open: boolean
}

export interface FakeSourceOptions {
  readonly chunkBytes?: number
  /** Connections at once; a request beyond them takes one that is yieldable, or waits. */
  readonly slots?: number
}

/** A ByteSource over bytes in memory, with faults on demand, that counts what it gives. */
export class FakeSource implements ByteSource {
  readonly files = new Map<string, FakeFile>()
  readonly requests: Request[] = []
  readonly #options: FakeSourceOptions
  readonly #waiting: (() => void)[] = []
  readonly #open = new Set<{ yieldable: boolean; preempt(): void }>()
  #gate: PromiseWithResolvers<void> | undefined
  /** Most connections that were ever open at once. */
  mostOpen = 0

  constructor(options: FakeSourceOptions = {}) {
    this.#options = options
  }

  /** Bytes handed over in all requests. */
  get bytes(): number {
    return this.requests.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  openNow(): number {
    return this.#open.size
  }

  /** Lets no byte through until `resume`. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<void>()
  }

  resume(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  async measure(ref: SourceRef, signal: AbortSignal): Promise<SourceFacts> {
    signal.throwIfAborted()
    const file = this.files.get(ref.locator)
    const request = {
      kind: 'measure',
      locator: ref.locator,
      from: 0,
      to: 1,
      priority: 'measure',
      bytes: 0,
      open: false,
    }
    this.requests.push(request as Request)
    await nextTurn()
    signal.throwIfAborted()
    const fault = file?.faults?.shift()
    if (file === undefined) throw new SourceError('gone', 'No such file')
    if (fault?.type === 'fail') throw faultError(fault)
    return {
      size: file.bytes.length,
      container: file.container ?? 'mp4',
      ranged: file.ranged ?? true,
      ...validator(file),
    }
  }

  async open(ref: SourceRef, range: { from: number; to?: number }, { priority, signal }: OpenOptions) {
    signal.throwIfAborted()
    const file = this.files.get(ref.locator)
    const request: Request = {
      kind: 'open',
      locator: ref.locator,
      from: range.from,
      to: range.to,
      priority,
      bytes: 0,
      open: false,
    }
    this.requests.push(request)
    await nextTurn()
    signal.throwIfAborted()
    if (file === undefined) throw new SourceError('gone', 'No such file')
    const fault = file.faults?.shift()
    if (fault?.type === 'fail') throw faultError(fault)
    if (range.from >= file.bytes.length && file.bytes.length > 0) throw new SourceError('range', '416')

    await this.#slot(signal)
    const ended = new AbortController()
    const holder = {
      yieldable: false,
      preempt: () => {
        request.open = false
        if (this.#open.delete(holder)) this.#waiting.shift()?.()
        ended.abort(new SourceError('preempted', 'The connection was needed'))
      },
    }
    this.#open.add(holder)
    this.mostOpen = Math.max(this.mostOpen, this.#open.size)
    request.open = true
    const release = () => {
      if (this.#open.delete(holder)) this.#waiting.shift()?.()
      request.open = false
    }
    signal.addEventListener('abort', release)

    const ranged = file.ranged ?? true
    const { bytes } = file
    const offset = ranged ? range.from : 0
    const asked = ranged ? Math.min(range.to ?? bytes.length, bytes.length) : bytes.length
    const end = fault?.type === 'long' ? Math.min(bytes.length, asked + 100_000) : asked
    return {
      size: bytes.length,
      offset,
      ...validator(file),
      yieldable: (value: boolean) => {
        holder.yieldable = value
        if (value && this.#waiting.length > 0) holder.preempt()
      },
      chunks: this.#chunks(bytes.subarray(offset, end), request, fault, AbortSignal.any([signal, ended.signal])),
      [Symbol.asyncDispose]: async () => release(),
    }
  }

  async #slot(signal: AbortSignal): Promise<void> {
    while (this.#open.size >= (this.#options.slots ?? Number.POSITIVE_INFINITY)) {
      const { promise: free, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      ;[...this.#open].find(({ yieldable }) => yieldable)?.preempt()
      await abortable(free, signal).catch(error => {
        if (this.#waiting.includes(resolve)) this.#waiting.splice(this.#waiting.indexOf(resolve), 1)
        else this.#waiting.shift()?.() // woken, and not there to take it
        throw error
      })
    }
  }

  async *#chunks(bytes: Uint8Array, request: Request, fault: Fault | undefined, signal: AbortSignal) {
    const { chunkBytes = 64 * 1024 } = this.#options
    const stopAt = fault !== undefined && 'after' in fault ? fault.after : bytes.length
    for (let at = 0; at < bytes.length; ) {
      const gate = this.#gate?.promise
      if (gate !== undefined) await abortable(gate, signal)
      await nextTurn()
      signal.throwIfAborted()
      if (at >= stopAt) {
        if (fault?.type === 'short') return
        if (fault?.type === 'stall') await abortable(new Promise(() => {}), signal)
        if (fault?.type === 'break') throw new SourceError(fault.code, 'The connection broke')
      }
      const chunk = bytes.slice(at, Math.min(at + chunkBytes, at < stopAt ? stopAt : bytes.length, bytes.length))
      at += chunk.length
      request.bytes += chunk.length
      yield chunk
    }
    if (fault?.type === 'break') throw new SourceError(fault.code, 'The connection broke')
  }
}

const faultError = ({ code, retryAfterMs }: Extract<Fault, { type: 'fail' }>) =>
  new SourceError(code, `The server said ${code}`, { retryAfterMs })

const validator = ({ etag, lastModified }: FakeFile) => ({
  ...(etag !== undefined && { etag }),
  ...(lastModified !== undefined && { lastModified }),
})

function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason)
    if (signal.aborted) return aborted()
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject)
  })
}

/** Bytes that differ everywhere, so that each misplaced byte shows: `size` of them, another version for each `seed`. */
export function testBytes(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4))
  let state = (seed * 2_654_435_761) >>> 0 || 1
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[at] = state
  }
  return new Uint8Array(words.buffer).subarray(0, size)
}
