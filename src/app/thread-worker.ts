import { parentPort } from 'node:worker_threads'
import type { Logger } from '../lib/log.ts'
import type { FromThread, Numbered, StopRequest, Thrown } from './thread.ts'

/** The other end of a Thread, inside of it. */
export interface MainThread<Event> {
  /** Its lines are written by the main thread. */
  readonly log: Logger
  tell(event: Event): void
}

/**
 * Makes the module a thread: `begin` opens what it needs and returns what answers requests, as they come, and what stops it.
 * The main thread is told when it can be asked. Must be called once, at the top of the module.
 *
 * @throws Error in the main thread of the process.
 */
export function serveMainThread<Request extends object, Event>(
  begin: (main: MainThread<Event>) => {
    answer(request: Request): unknown
    stop(): Promise<void>
  },
): void {
  const port = parentPort
  if (port === null) throw new Error('This module runs as a worker thread only')
  const post = (message: FromThread<Event>) => port.postMessage(message)
  const { answer, stop } = begin({ log: postingLog(post, {}), tell: event => post({ type: 'event', event }) })
  post({ type: 'open' })

  port.on('message', async (message: Numbered<Request | StopRequest>) => {
    const { call } = message
    const isStop = (message as StopRequest).type === 'stop'
    try {
      post({ type: 'done', call, result: isStop ? await stop() : await answer(message as Request) })
    } catch (error) {
      post({ type: 'failed', call, error: thrown(error) })
    }
    if (isStop) port.close()
  })
}

function thrown(error: unknown): Thrown {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error))
  const { code } = error as { code?: unknown }
  return { name, message, stack, code: typeof code === 'string' ? code : undefined }
}

function postingLog(post: (message: FromThread<never>) => void, bound: object): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) =>
    post({ type: 'log', level, fields: { ...bound, ...fields }, message })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => postingLog(post, { ...bound, ...fields }),
  }
}
