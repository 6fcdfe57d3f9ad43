import type { FastifyReply, FastifyRequest } from 'fastify'
import { TunerError, type TunerErrorCode } from './ports.ts'

/** The family's numbers and words (`X-HDHomeRun-Error`), and the status that goes with each. */
const answers: Readonly<Record<TunerErrorCode, readonly [status: number, error: string]>> = {
  'unknown-channel': [404, '801 Unknown Channel'],
  'all-tuners-in-use': [503, '805 All Tuners In Use'],
  'tune-failed': [503, '806 Tune Failed'],
  'no-video-data': [503, '807 No Video Data'],
  'not-available': [503, '811 Content Not Available'],
}

/** Says what is wrong the way the family does, with the reason as the body. */
export async function sendTunerError(reply: FastifyReply, error: TunerError): Promise<FastifyReply> {
  const [status, text] = answers[error.code]
  return reply
    .status(status)
    .headers({ 'x-hdhomerun-error': text, 'content-type': 'text/plain; charset=utf-8' })
    .send(`${text}: ${error.message}\n`)
}

/** Aborted when the client is gone. */
export function whileConnected(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  const leave = () => gone.abort(new TunerError('not-available', 'The client closed the connection'))
  reply.raw.once('close', leave)
  if (request.raw.socket.destroyed) leave()
  return gone.signal
}

/**
 * Sends chunks as they come, each from where it lies, and waits while the client does not take them. Ends when they do, when
 * the client goes, or when `signal` is aborted.
 */
export async function sendStream(
  response: FastifyReply['raw'],
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (signal.aborted || response.destroyed) break
      if (!response.write(chunk)) await drained(response, signal)
    }
  } catch {
    // nothing can be said any more: the client sees a connection that ends
    response.destroy()
  }
  response.end()
}

function drained(response: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      response.off('drain', done).off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    response.once('drain', done).once('close', done)
    signal.addEventListener('abort', done, { once: true })
    if (response.destroyed || signal.aborted) done()
  })
}
