import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { mediaType, problemText, titleOf } from './problem.ts'

/** By the codes of Node's parser; whatever else it cannot read is a 400. */
const answers: Readonly<Record<string, readonly [status: number, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The headers are longer than this server reads.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
}
const unreadable = [400, 'This is no HTTP request that this server can read.'] as const

/** Answers what did not become a request (too long, too slow, no HTTP) with a problem document, too, and ends the connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, detail] = answers[error.code ?? ''] ?? unreadable
  const body = problemText(status, detail, randomUUID())
  const headers = [
    `HTTP/1.1 ${status} ${titleOf(status)}`,
    `Content-Type: ${mediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
