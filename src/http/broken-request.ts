import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { mediaType, problemText } from './problem.ts'

/** By the codes of Node's parser; whatever else it cannot read is a 400. */
const answers: Readonly<Record<string, readonly [status: number, reason: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'The headers are longer than this server reads.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'The request did not arrive in time.'],
}
const unreadable = [400, 'Bad Request', 'This is no HTTP request that this server can read.'] as const

/** Answers what did not become a request (too long, too slow, no HTTP) with a problem document, too, and ends the connection. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason, detail] = answers[error.code ?? ''] ?? unreadable
  const body = problemText(status, detail, randomUUID())
  const headers = [
    `HTTP/1.1 ${status} ${reason}`,
    `Content-Type: ${mediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ]
  socket.end(`${headers.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
