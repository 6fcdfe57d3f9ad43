import t, { type Test } from 'tap'
import { queueActions } from '../../src/app/queue-actions.ts'
import { createHttp, queueRoutes } from '../../src/http/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { accessFor, bearer } from '../lib/access.ts'
import { startQueueing } from '../queue/queueing.ts'

/** A server in front of a queue with titles 1 to 9. */
async function serve(t: Test) {
  const it = await startQueueing(t, 9)
  const nothing = {
    log: silentLog,
    health: () => ({}),
    ready: () => ({}),
    metrics: async () => '',
    overview: () => ({ title: '', summary: '', commands: [], counts: [], notices: [], links: [] }),
    status: () => null,
    titles: async () => [],
    actions: {},
    access: await accessFor(t),
  }
  const app = await createHttp({ allow: ['127.0.0.0/8'] }, nothing, [queueRoutes(queueActions(it.queue))])
  t.teardown(() => app.close())
  return {
    it,
    app,
    get: async (url: string) => await app.inject(url),
    post: async (action: string, payload?: object) =>
      await app.inject({ method: 'POST', url: `/api/queue/${action}`, headers: bearer, ...(payload && { payload }) }),
  }
}

t.test('the queue is open to see, and changes with the token', async t => {
  const { it, app, get, post } = await serve(t)
  t.same((await post('add', { variantIds: [1, 2, 3] })).json(), { changed: [1, 2, 3], unknown: [] })
  t.same((await post('add', { variantIds: [4, 99], where: 'top' })).json(), { changed: [4], unknown: [99] })
  await it.settled()
  it.maker.running.get(1)!.onProgress({ stage: 'fetching', bytes: 5, expectedBytes: 10 })
  const answer = await get('/api/queue')
  t.match(answer.headers['content-type'], /^application\/json/)
  t.match(answer.json(), {
    isPaused: false,
    states: { running: 1, waiting: 3 },
    entries: [
      { place: 1, variantId: 4, title: 'Title 4', state: 'waiting', origin: 'person' },
      { place: 2, variantId: 1, state: 'running', progress: { stage: 'fetching', bytes: 5, expectedBytes: 10 } },
      { place: 3, variantId: 2 },
      { place: 4, variantId: 3 },
    ],
  })
  t.same((await post('move', { variantIds: [3], to: 'top' })).json().changed, [3])
  t.same((await post('move', { variantIds: [2], before: 4 })).json().changed, [2])
  t.same(it.order, [3, 2, 4, 1])
  t.same((await post('remove', { variantIds: [4] })).json().changed, [4])
  t.same((await post('pause', { variantIds: [3] })).json().changed, [3])
  const paused = (await get('/api/queue?state=paused&limit=1')).json()
  t.match(paused.entries, [{ variantId: 3, place: 1 }])
  t.equal(paused.entries.length, 1)
  t.equal((await post('pause')).statusCode, 200)
  t.equal((await get('/api/queue')).json().isPaused, true)
  t.equal((await post('resume', {})).statusCode, 200)
  t.equal((await get('/api/queue')).json().isPaused, false)
  t.same((await post('resume', { variantIds: [3] })).json().changed, [3])

  const before = it.order
  for (const action of ['add', 'remove', 'pause', 'resume', 'move']) {
    const answer = await app.inject({
      method: 'POST',
      url: `/api/queue/${action}`,
      payload: { variantIds: [1], to: 'top' },
    })
    t.equal(answer.statusCode, 401, action)
    t.equal((await get(`/api/queue/${action}`)).statusCode, 405, 'looking changes nothing')
  }
  t.same(it.order, before)
})

t.test('what cannot be done is a problem that names it', async t => {
  const { it, get, post } = await serve(t)
  await post('add', { variantIds: [1, 2] })
  const cases: readonly (readonly [action: string, body: object, status: number, detail: RegExp])[] = [
    ['add', {}, 400, /variantIds/],
    ['add', { variantIds: [] }, 400, /variantIds.*fewer than 1/],
    ['add', { variantIds: ['x'] }, 400, /variantIds\/0.*integer/],
    ['add', { variantIds: [0] }, 400, /variantIds\/0.*>= 1/],
    ['add', { variantIds: [1.5] }, 400, /integer/],
    ['add', { variantIds: [1], where: 'middle' }, 400, /where/],
    ['add', { variantIds: [99, 98] }, 404, /No title .*99, 98/],
    ['remove', { variantIds: [99] }, 404, /No title .*99/],
    ['pause', { variantIds: [3] }, 404, /No entry .*3/],
    ['resume', { variantIds: 'all' }, 400, /variantIds/],
    ['move', { variantIds: [1] }, 400, /either to .* or before/],
    ['move', { variantIds: [1], to: 'top', before: 2 }, 400, /either/],
    ['move', { variantIds: [1], to: 'sideways' }, 400, /to/],
    ['move', { variantIds: [1], before: 3 }, 404, /Title 3/],
    ['move', { variantIds: [1, 2], to: 'up' }, 400, /one at a time/],
  ]
  for (const [action, body, status, detail] of cases) {
    const answer = await post(action, body)
    t.equal(answer.statusCode, status, `${action} ${JSON.stringify(body)}`)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.json(), { status, detail })
  }
  for (const query of ['state=lost', 'limit=0', 'limit=501']) {
    t.equal((await get(`/api/queue?${query}`)).statusCode, 400, query)
  }
  t.same(it.order, [1, 2], 'nothing of it did anything')
  it.queue.pause()
  it.candidates.add(...Array.from({ length: 10_001 }, (_, index) => ({ variantId: 100 + index })))
  it.queue.add(
    Array.from({ length: 9_998 }, (_, index) => 100 + index),
    'person',
    'bottom',
  )
  const full = await post('add', { variantIds: [10_099] })
  t.equal(full.statusCode, 409)
  t.match(full.json(), { title: 'Conflict', detail: /10,000/ })
})
