import { request } from 'node:http'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { ValueEvents } from '../../src/dashboard/events.ts'
import { SampleHistory } from '../../src/dashboard/history.ts'
import { applyMergePatch } from '../../src/lib/merge-patch.ts'
import { until } from '../lib/until.ts'

/** A value that is told over real connections, and how often it was looked at. */
async function server(t: Test, value: () => object) {
  let looks = 0
  const events = new ValueEvents(() => {
    looks++
    return value()
  })
  t.teardown(() => events[Symbol.dispose]())
  const app = fastify({ forceCloseConnections: true })
  app.get('/', async (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
    events.add(reply.raw, request.headers['last-event-id'] as string | undefined)
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  return { url, events, looks: () => looks }
}

interface Listener {
  readonly events: { readonly id: string; readonly event: string; readonly data: unknown }[]
  /** The value as a browser would have it. */
  value(): unknown
  readonly retryMs: () => number
  isClosed(): boolean
  pause(): void
  close(): void
}

/** Reads events as the standard says (HTML, section 9.2.6), as far as it is used here. */
function listen(t: Test, url: string, lastEventId?: string): Listener {
  const events: Listener['events'] = []
  let value: unknown
  let text = ''
  let retryMs = Number.NaN
  let isClosed = false
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const sent = request(url, { headers, agent: false }, response => {
    response.setEncoding('utf8').on('data', chunk => {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map(line => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]),
        )
        text = text.slice(end + 2)
        if (fields.has('retry')) retryMs = Number(fields.get('retry'))
        if (!fields.has('data')) continue
        const [id, event, data] = [fields.get('id')!, fields.get('event')!, JSON.parse(fields.get('data')!)]
        events.push({ id, event, data })
        value = event === 'state' ? data : applyMergePatch(value, data)
      }
    })
    response.on('close', () => {
      isClosed = true
    })
    response.on('error', () => {})
  })
  sent.on('error', () => {
    isClosed = true
  })
  sent.end()
  t.teardown(() => sent.destroy())
  return {
    events,
    value: () => value,
    retryMs: () => retryMs,
    isClosed: () => isClosed,
    pause: () => void sent.socket?.pause(),
    close: () => sent.destroy(),
  }
}

t.test('all of it first, then what changed, to everybody from one look', async t => {
  const value = { calls: 1, clients: ['a'] }
  const { url, looks } = await server(t, () => ({ ...value }))
  const listeners = Array.from({ length: 20 }, () => listen(t, url))
  await until('all to be told', () => listeners.every(({ events }) => events.length === 1))
  t.strictSame(listeners[0]!.events[0], { id: listeners[7]!.events[0]!.id, event: 'state', data: value })
  value.calls = 2
  await until('the change', () => listeners.every(({ events }) => events.length === 2))
  t.strictSame(listeners[3]!.events[1]!.data, { calls: 2 })
  t.equal(new Set(listeners.map(({ events }) => events[1]!.id)).size, 1)
  t.ok(looks() <= 5, `${looks()} looks for 20 listeners`)
  const waits = listeners.map(({ retryMs }) => retryMs())
  t.ok(new Set(waits).size > 1 && waits.every(ms => ms >= 1_000 && ms <= 5_000), 'not all come back at once')
})

t.test('who comes back is sent what was missed, and who was away too long all of it', async t => {
  let calls = 0
  const { url } = await server(t, () => ({ calls: ++calls, name: 'x'.repeat(100) }))
  const stays = listen(t, url)
  const leaves = listen(t, url)
  await until('both to be told', () => leaves.events.length >= 2 && stays.events.length >= 2)
  leaves.close()
  const had = leaves.events.at(-1)!.id
  await until('some changes', () => stays.events.findIndex(({ id }) => id === had) < stays.events.length - 2)
  const back = listen(t, url, had)
  await until('what was missed', () => back.events.length >= 2)
  t.ok(back.events.every(({ event }) => event === 'patch'))
  const [first] = back.events
  t.equal(Number(first!.id.split('-')[1]), Number(had.split('-')[1]) + 1, 'without a gap')
  for (const id of ['ffffffff-1', `${had.split('-')[0]}-999999`, 'nonsense', '']) {
    const stranger = listen(t, url, id)
    await until('all of it', () => stranger.events.length >= 1)
    t.equal(stranger.events[0]!.event, 'state', JSON.stringify(id))
  }
})

t.test('nobody listens: nobody looks', async t => {
  const { url, looks, events } = await server(t, () => ({ at: performance.now() }))
  t.equal(looks(), 0)
  const one = listen(t, url)
  await until('it to be told', () => one.events.length >= 2)
  one.close()
  await until('it to be gone', () => events.clients === 0)
  const before = looks()
  const other = listen(t, (await server(t, () => ({ at: performance.now() }))).url)
  await until('another server to tell three times', () => other.events.length >= 3)
  t.equal(looks(), before)
  const again = listen(t, url, one.events.at(-1)!.id)
  await until('it to be told again', () => again.events.length >= 1)
  t.equal(again.events[0]!.event, 'state', 'what happened meanwhile was not watched')
})

t.test('who does not read is let go, and nobody else notices', async t => {
  let round = 0
  const { url, events } = await server(t, () => ({ round: ++round, text: `${round}`.repeat(400_000) }))
  const slow = listen(t, url)
  const quick = listen(t, url)
  await until('both to be told', () => slow.events.length >= 1 && quick.events.length >= 1)
  slow.pause()
  await until('the slow one to be let go', () => events.clients === 1)
  const seen = quick.events.length
  await until('the quick one to go on', () => quick.events.length > seen)
})

t.test('samples are rates, and the oldest go', async t => {
  const history = new SampleHistory(2)
  const none = {
    nfsBytes: 0,
    fetchedBytes: 0,
    liveBytes: 0,
    calls: 0,
    waitedCalls: 0,
    waitedMs: 0,
    connections: 0,
    cachedBytes: 0,
  }
  history.take(none, 10_000)
  t.equal(history.latest, undefined)
  history.take({ ...none, nfsBytes: 5_000, calls: 20, waitedCalls: 4, waitedMs: 60, connections: 2 }, 15_000)
  t.match(history.latest, { at: 15_000, nfsBytes: 1_000, calls: 4, waitMs: 15, connections: 2 })
  history.take({ ...none, nfsBytes: 5_000, calls: 20, waitedCalls: 4, waitedMs: 60 }, 20_000)
  t.match(history.latest, { nfsBytes: 0, waitMs: 0 })
  history.take({ ...none, nfsBytes: 6_000, calls: 20, waitedCalls: 4, waitedMs: 60 }, 21_000)
  t.strictSame(history.columns().at, [20_000, 21_000])
  t.strictSame(history.columns().nfsBytes, [0, 1_000])
})
