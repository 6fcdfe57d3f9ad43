import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { Secret } from '../../src/lib/secret.ts'
import { until } from './until.ts'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Somebody who is told, over real HTTP. */
export interface HookReceiver {
  readonly url: Secret
  /** All that came, whatever was answered. */
  readonly received: readonly Received[]
  /** How it answers from now on; it does not answer at all until `answer` does. */
  answer: (response: ServerResponse, received: Received) => void
  /** Waits until so many have come. */
  has(count: number): Promise<void>
}

const well = (response: ServerResponse) => void response.writeHead(204).end()

export async function startReceiver(t: Test): Promise<HookReceiver> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const one = { headers: request.headers, body }
    received.push(one)
    receiver.answer(response, one)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const receiver: HookReceiver = {
    url: new Secret(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/very-private`),
    received,
    answer: well,
    has: count => until(`${count} to be received`, () => received.length >= count).then(() => {}),
  }
  return receiver
}
