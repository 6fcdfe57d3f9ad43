import { extname } from 'node:path'
import { type Transferable, Worker } from 'node:worker_threads'
import type { SampleCount } from './inspect.ts'
import { type CountJob, errorOf, type FromRemux, type RemuxJob, type RemuxResult, type ToRemux } from './remux-job.ts'

/** Threads that remux (remux-worker.ts), each started when it is first needed. */
export class RemuxThreads implements AsyncDisposable {
  readonly #threads: RemuxThread[]

  constructor(count: number) {
    this.#threads = Array.from({ length: Math.max(1, count) }, () => new RemuxThread())
  }

  /**
   * Hands a job to the thread with the least to do. The pieces' bytes go with it: buffers that are theirs alone are given away.
   *
   * @throws RemuxError, or a plain Error when the thread died; the next job starts another.
   */
  run(job: RemuxJob): Promise<RemuxResult> {
    return this.#idlest.run(job)
  }

  /** Counts what is in a segment, of which the thread gets a copy. @throws as `run` does. */
  count(job: CountJob): Promise<readonly SampleCount[]> {
    return this.#idlest.count(job)
  }

  get #idlest(): RemuxThread {
    return this.#threads.reduce((idlest, thread) => (thread.waiting < idlest.waiting ? thread : idlest))
  }

  /** Jobs that are not done are rejected. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map(thread => thread.end()))
  }
}

type Answer = RemuxResult | readonly SampleCount[]

class RemuxThread {
  readonly #calls = new Map<number, PromiseWithResolvers<Answer>>()
  #worker: Worker | undefined
  #last = 0
  #isEnded = false

  get waiting(): number {
    return this.#calls.size
  }

  run(job: RemuxJob): Promise<RemuxResult> {
    const pieces = job.pieces.map(piece => ({ ...piece, bytes: owned(piece.bytes) }))
    const buffers = new Set(pieces.map(({ bytes }) => bytes.buffer as Transferable))
    return this.#ask({ job: { ...job, pieces } }, [...buffers])
  }

  count(count: CountJob): Promise<readonly SampleCount[]> {
    return this.#ask({ count }, [])
  }

  #ask<T extends Answer>(work: { job: RemuxJob } | { count: CountJob }, given: Transferable[]): Promise<T> {
    if (this.#isEnded) return Promise.reject(new Error('The remuxing threads are closed'))
    const call = ++this.#last
    const pending = Promise.withResolvers<Answer>()
    this.#worker ??= this.#start()
    this.#calls.set(call, pending)
    this.#worker.postMessage({ call, ...work } satisfies ToRemux, given)
    return pending.promise as Promise<T>
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL(`./remux-worker${extname(import.meta.url)}`, import.meta.url))
    worker.on('message', (answer: FromRemux) => {
      const pending = this.#calls.get(answer.call)
      this.#calls.delete(answer.call)
      if ('result' in answer) pending?.resolve(answer.result)
      else pending?.reject(errorOf(answer.failure))
    })
    worker.on('error', error => this.#died(worker, error as Error))
    worker.on('exit', code => this.#died(worker, new Error(`The remuxing thread ended with code ${code}`)))
    return worker
  }

  #died(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { reject } of this.#calls.values()) reject(error)
    this.#calls.clear()
  }
}

/** The bytes in a buffer of their own, which can be given away. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : Uint8Array.from(bytes)
}
