import { join } from 'node:path'
import Database from 'better-sqlite3'
import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { Secret } from '../../src/lib/secret.ts'
import { type HookOptions, openWebhooks } from '../../src/webhooks/index.ts'
import { dataDirectory } from '../lib/access.ts'
import { startReceiver } from '../lib/hook-receiver.ts'
import { TestClock } from '../lib/test-clock.ts'
import { until } from '../lib/until.ts'

/** Before real receivers. Only the clock is the test's: pauses are hours. */

const hour = 3_600_000

function open(
  t: Test,
  hooks: readonly HookOptions[],
  { clock = new TestClock(Date.now()), directory = dataDirectory(t) } = {},
) {
  const logged: string[] = []
  const note = (fields: object, text?: string) => void logged.push(JSON.stringify(fields) + text)
  const log = { ...silentLog, info: note, warn: note, error: note }
  const webhooks = openWebhooks({ hooks, directory }, { log, clock })
  t.teardown(() => webhooks[Symbol.asyncDispose]())
  const stats = (at = 0) => webhooks.stats()[at]!
  return { webhooks, clock, directory, stats, logged }
}

const ready = (title: string) => ({ type: 'title.ready', data: { title } }) as const
const titlesOf = (received: readonly { readonly body: string }[]) =>
  received.map(({ body }) => JSON.parse(body).data.title)

t.test('what is sent is what Standard Webhooks wants, by its own library', async t => {
  for (const [secret, judge] of [
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
    ['any text will do', new Webhook('any text will do', { format: 'raw' })],
  ] as const) {
    const receiver = await startReceiver(t)
    const { webhooks } = open(t, [{ name: 'chat', url: receiver.url, secret: new Secret(secret) }])
    webhooks.tell(ready('Amélie'))
    await receiver.has(1)
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[number]]
    t.equal(headers['content-type'], 'application/json')
    const verified = judge.verify(body, headers as Record<string, string>)
    t.match(verified, { type: 'title.ready', timestamp: /^\d{4}-\d\d-\d\dT.*Z$/, data: { title: 'Amélie' } })
    t.throws(() => judge.verify(body.replace('Am', 'Em'), headers as Record<string, string>), 'the judge does judge')
  }
  const unsigned = await startReceiver(t)
  const { webhooks } = open(t, [{ name: 'chat', url: unsigned.url }])
  webhooks.tell(ready('A'))
  await unsigned.has(1)
  t.notOk(unsigned.received[0]!.headers['webhook-signature'])
})

t.test('each is told what it asked for, in order, one at a time', async t => {
  const [all, some] = [await startReceiver(t), await startReceiver(t)]
  let atOnce = 0
  let most = 0
  all.answer = response => {
    most = Math.max(most, ++atOnce)
    setImmediate(() => {
      atOnce--
      response.writeHead(200).end('thank you')
    })
  }
  const { webhooks, stats } = open(t, [
    { name: 'all', url: all.url },
    { name: 'some', url: some.url, events: ['title.failed'] },
  ])
  const titles = Array.from({ length: 20 }, (_, at) => `Title ${at}`)
  for (const title of titles) webhooks.tell(ready(title))
  webhooks.tell({ type: 'title.failed', data: { title: 'Broken' } })
  await all.has(21)
  await some.has(1)
  t.same(titlesOf(all.received), [...titles, 'Broken'])
  t.same(titlesOf(some.received), ['Broken'])
  t.equal(most, 1)
  await until('all to be noted', () => stats().delivered === 21)
  t.match(stats(), { waiting: 0, failures: 0, lost: 0, lastDeliveredAt: Number })
})

t.test(
  'a failure is tried again after growing pauses, and holds up what comes after it, and no other hook',
  async t => {
    const [broken, fine] = [await startReceiver(t), await startReceiver(t)]
    broken.answer = response => void response.writeHead(500).end()
    const { webhooks, clock, stats } = open(t, [
      { name: 'broken', url: broken.url },
      { name: 'fine', url: fine.url },
    ])
    webhooks.tell(ready('A'))
    webhooks.tell(ready('B'))
    await fine.has(2)
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 4; attempt++) {
      const { nextTryAt } = await until(
        `failure ${attempt}`,
        () => stats().failures === attempt && stats().nextTryAt !== undefined && stats(),
      )
      pauses.push(nextTryAt! - clock.now())
      await clock.advance(nextTryAt! - clock.now() - 1)
      t.equal(broken.received.length, attempt, 'not before its time')
      if (attempt === 4) broken.answer = response => void response.writeHead(204).end()
      await clock.advance(1)
      await broken.has(attempt + 1)
    }
    for (const [at, pause] of pauses.entries())
      t.ok(pause > 3_700 * 2 ** at && pause <= 5_000 * 2 ** at, `pause ${at}: ${pause} ms`)
    await broken.has(6)
    t.same(titlesOf(broken.received), ['A', 'A', 'A', 'A', 'A', 'B'])
    t.equal(
      new Set(broken.received.slice(0, 5).map(({ headers }) => headers['webhook-id'])).size,
      1,
      'the same id each time',
    )
    t.equal(new Set(broken.received.map(({ headers }) => headers['webhook-id'])).size, 2)
    t.match(stats(), { lastFailure: { reason: 'status 500' } })
  },
)

t.test('whoever says when is asked then, whoever is gone is left, and nothing is followed elsewhere', async t => {
  const [busy, gone, moved, other] = [
    await startReceiver(t),
    await startReceiver(t),
    await startReceiver(t),
    await startReceiver(t),
  ]
  busy.answer = response => void response.writeHead(429, { 'retry-after': '120' }).end()
  gone.answer = response => void response.writeHead(410).end()
  moved.answer = response => void response.writeHead(307, { location: other.url.reveal() }).end()
  const { webhooks, clock, stats } = open(t, [
    { name: 'busy', url: busy.url },
    { name: 'gone', url: gone.url },
    { name: 'moved', url: moved.url },
  ])
  webhooks.tell(ready('A'))
  await until('all to have failed', () => [0, 1, 2].every(at => stats(at).failures === 1))
  await until('its pause', () => stats().nextTryAt === clock.now() + 120_000)
  t.match(stats(1), { waiting: 0, lost: 1, lastFailure: { reason: 'status 410' } })
  t.match(stats(2), { waiting: 1, lastFailure: { reason: 'status 307' } })
  t.equal(other.received.length, 0)
})

t.test('what waits is bounded by number and by age', async t => {
  const receiver = await startReceiver(t)
  receiver.answer = response => void response.writeHead(503).end()
  const { webhooks, clock, stats } = open(t, [{ name: 'chat', url: receiver.url }])
  for (let at = 0; at < 1_010; at++) webhooks.tell(ready(`Title ${at}`))
  t.match(stats(), { waiting: 1_000, lost: 10 })
  await until('the first failure', () => stats().nextTryAt !== undefined)
  await clock.advance(24 * hour)
  await until('the old ones to go', () => stats().waiting === 0)
  t.equal(stats().lost, 1_010)
  receiver.answer = response => void response.writeHead(204).end()
  webhooks.tell(ready('New'))
  await until('the new one', () => stats().delivered === 1)
})

t.test('what waits goes on after a restart, also when the receiver had it and could not say so', async t => {
  const receiver = await startReceiver(t)
  receiver.answer = () => {} // it has it, and says nothing
  const hooks = [{ name: 'chat', url: receiver.url }]
  const first = open(t, hooks)
  first.webhooks.tell(ready('A'))
  first.webhooks.tell(ready('B'))
  await receiver.has(1)
  await first.webhooks[Symbol.asyncDispose]()
  receiver.answer = response => void response.writeHead(204).end()
  const second = open(t, hooks, { directory: first.directory })
  await receiver.has(3)
  t.same(titlesOf(receiver.received), ['A', 'A', 'B'])
  t.equal(receiver.received[0]!.headers['webhook-id'], receiver.received[1]!.headers['webhook-id'], 'by which it knows')
  await until('both to be noted', () => second.stats().delivered === 2)
  second.webhooks.tell(ready('C'))
  await second.webhooks[Symbol.asyncDispose]()
  const third = open(t, [{ name: 'another', url: receiver.url }], { directory: first.directory })
  t.equal(third.stats().waiting, 0, 'what was for a hook that is gone is nobody else’s')
})

t.test('a disk that fails for a while holds a hook up, and does not end it', async t => {
  const receiver = await startReceiver(t)
  receiver.answer = response => void response.writeHead(503).end()
  const { webhooks, clock, directory, stats, logged } = open(t, [{ name: 'chat', url: receiver.url }])
  webhooks.tell(ready('A'))
  await until('the first failure', () => stats().nextTryAt !== undefined)
  const db = new Database(join(directory, 'webhooks.sqlite'))
  t.teardown(() => db.close())
  db.exec('alter table delivery rename to elsewhere')
  await clock.advance(10_000)
  await until('it to be noticed', () => logged.some(line => line.includes('could not go on')))
  db.exec('alter table elsewhere rename to delivery')
  receiver.answer = response => void response.writeHead(204).end()
  await until('its pause', () => clock.sleepers === 1)
  await clock.advance(60_000)
  await until('it to be delivered', () => stats().delivered === 1)
  t.match(stats(), { waiting: 0, lost: 0 })
})

t.test('a test tells at once how it is, and no address is ever told', async t => {
  const [fine, broken] = [await startReceiver(t), await startReceiver(t)]
  broken.answer = response => void response.writeHead(401).end()
  const nobody = new Secret('http://127.0.0.1:1/hooks/very-private')
  const { webhooks, clock, logged } = open(t, [
    { name: 'fine', url: fine.url },
    { name: 'broken', url: broken.url },
    { name: 'nobody', url: nobody },
  ])
  t.match(await webhooks.test(), [
    { name: 'fine', ok: true },
    { name: 'broken', ok: false, reason: 'status 401' },
    { name: 'nobody', host: '127.0.0.1:1', ok: false, reason: String },
  ])
  t.match(JSON.parse(fine.received[0]!.body), { type: 'test', data: { hook: 'fine' } })
  t.same(
    (await webhooks.test('fine')).map(({ name }) => name),
    ['fine'],
  )
  webhooks.tell(ready('A'))
  await until('failures', () => webhooks.stats().filter(({ failures }) => failures > 0).length === 2)
  t.equal(clock.sleepers, 2)
  t.ok(logged.length >= 2)
  t.notMatch(JSON.stringify([webhooks.stats(), logged]), /very-private/)
})
