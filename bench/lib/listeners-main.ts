/**
 * Many browsers that listen to `/api/events`, as a process of its own: `listeners-main.ts URL COUNT`, the token in TOKEN. Browsers are on
 * other machines, so it takes only the CPU time that nobody else wants. It tells its parent when all listen, and whenever asked,
 * what they were told.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setPriority } from 'node:os'

export interface Told {
  /** How many were told something since the last question, and still listen. */
  readonly listeners: number
  readonly bytes: number
}

const [address = '', count = ''] = process.argv.slice(2)
const url = new URL(address)
const events = new Array<number>(Number(count)).fill(0)
let bytes = 0

setPriority(19)
for (const at of events.keys()) {
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  socket.on('close', () => {
    events[at] = Number.NEGATIVE_INFINITY
  })
  socket.on('data', data => {
    bytes += data.length
    events[at]!++
  })
  await once(socket, 'connect')
  socket.write(
    `GET /api/events HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer ${process.env.TOKEN}\r\nAccept: text/event-stream\r\n\r\n`,
  )
}
process.on('message', () => {
  process.send!({ listeners: events.filter(seen => seen > 0).length, bytes } satisfies Told)
  for (const at of events.keys()) events[at]! *= 0
  bytes = 0
})
process.on('disconnect', () => process.exit())
process.send!('listening')
