import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../lib/log.ts'

/** What goes to a thread: a request, with the number of its answer. */
export type Numbered<Request> = Request & { readonly call: number }

/** What comes from a thread: answers, lines of the log, and what it tells of its own accord. */
export type FromThread<Event> =
  | { readonly type: 'open' }
  | { readonly type: 'done'; readonly call: number; readonly result: unknown }
  | { readonly type: 'failed'; readonly call: number; readonly error: Thrown }
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }
  | { readonly type: 'event'; readonly event: Event }

/** What is left of an error on its way between threads. */
export interface Thrown {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | undefined
}

/** An error that was thrown in another thread: its class is lost, its name and code are not. */
export class ThreadError extends Error {
  override readonly name: string
  readonly code: string | undefined

  constructor({ name, message, stack, code }: Thrown) {
    super(message)
    this.name = name
    this.code = code
    if (stack !== undefined) this.stack = stack
  }
}

/** Asked of every thread before it ends. */
export interface StopRequest {
  readonly type: 'stop'
}

export interface ThreadEvents<Event> {
  readonly log: Logger
  readonly onEvent: (event: Event) => void
  /** It died by itself: nothing can be asked any more. */
  readonly onDeath: (error: Error) => void
}

/** The main thread's hold on another one. Disposing of it lets it stop, and resolves when it has ended. */
export interface Thread<Request> extends AsyncDisposable {
  /** Rejects with ThreadError for what the thread threw, and when it has ended. */
  call(request: Request): Promise<unknown>
}

/** Starts a module as a thread, see thread-worker.ts; resolves when it says that it can be used. `what` is for messages. */
export async function startThread<Request extends object, Event>(
  what: string,
  module: URL,
  data: unknown,
  { log, onEvent, onDeath }: ThreadEvents<Event>,
): Promise<Thread<Request>> {
  const worker = new Worker(module, { workerData: data })
  const calls = new Map<number, PromiseWithResolvers<unknown>>()
  let last = 0
  let ending = false
  let opened = false
  const open = Promise.withResolvers<void>()

  worker.on('message', (message: FromThread<Event>) => {
    switch (message.type) {
      case 'open':
        opened = true
        return open.resolve()
      case 'event':
        return onEvent(message.event)
      case 'log':
        return log[message.level](message.fields, message.message)
      case 'done':
        calls.get(message.call)?.resolve(message.result)
        break
      case 'failed':
        calls.get(message.call)?.reject(new ThreadError(message.error))
        break
    }
    calls.delete(message.call)
  })
  worker.on('error', error => died(error as Error))
  worker.on('exit', code => {
    if (!ending) died(new Error(`The ${what}'s thread ended with code ${code}`))
  })

  function died(error: Error): void {
    if (ending) return
    ending = true
    open.reject(error)
    for (const call of calls.values()) call.reject(error)
    calls.clear()
    if (opened) onDeath(error)
  }

  function call(request: Request | StopRequest): Promise<unknown> {
    if (ending) return Promise.reject(new Error(`The ${what} is closed`))
    const id = ++last
    const pending = Promise.withResolvers<unknown>()
    calls.set(id, pending)
    worker.postMessage({ ...request, call: id } satisfies Numbered<Request | StopRequest>)
    return pending.promise
  }

  await open.promise
  return {
    call,
    async [Symbol.asyncDispose]() {
      if (ending) return
      const exited = once(worker, 'exit')
      const stopped = call({ type: 'stop' })
      ending = true
      await stopped
      await exited
    },
  }
}
