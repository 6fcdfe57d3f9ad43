import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { keepPassword, removePassword } from '../../src/access/index.ts'
import { dashboardRoutes } from '../../src/dashboard/index.ts'
import { type HttpDeps, mayStillLook, startHttp, withoutSignIn } from '../../src/http/index.ts'
import { LogTail } from '../../src/lib/log-tail.ts'
import { openLog } from '../../src/lib/logging.ts'
import { Secret } from '../../src/lib/secret.ts'
import { accessFor, bearer, dataDirectory, sessionLimits } from '../lib/access.ts'
import { TestClock } from '../lib/test-clock.ts'
import { until } from '../lib/until.ts'

const password = 'correct horse'
const counters = {
  ...{ nfsBytes: 0, fetchedBytes: 0, liveBytes: 0, calls: 0, waitedCalls: 0, waitedMs: 0 },
  ...{ connections: 0, cachedBytes: 0 },
}

/** The dashboard beside a tuner, over real connections. */
async function serve(t: Test, tail = new LogTail(0)) {
  const directory = dataDirectory(t)
  const clock = new TestClock()
  const access = await accessFor(t, { directory, clock })
  await keepPassword(directory, new Secret(password), 'command')
  const deps: HttpDeps = {
    log: openLog({ level: 'debug', format: 'json', destination: { write: () => {} }, tail }),
    health: () => ({}),
    ready: () => ({}),
    metrics: async () => 'reelport_x 1\n',
    overview: () => ({ title: 'reelport', summary: '', commands: [], counts: [], notices: [], links: [] }),
    status: () => ({}),
    titles: async () => [],
    actions: {},
    access,
  }
  const http = await startHttp({ host: '127.0.0.1', port: 0, allow: ['127.0.0.1'], metrics: 'open' }, deps, [
    dashboardRoutes({
      state: () => ({ at: performance.now() }) as never,
      counters: () => counters,
      tail,
      mayStillLook: request => mayStillLook(request, access),
    }),
    withoutSignIn(async plugin => void plugin.get('/lineup.json', async () => [])),
  ])
  t.teardown(() => http[Symbol.asyncDispose]())
  const signIn = async () => {
    const answer = await fetch(`${http.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ password }),
    })
    return { cookie: answer.headers.get('set-cookie')!.split(';')[0]! }
  }
  return { http, directory, clock, signIn }
}

/** A connection of its own, and what came over it. */
async function open(t: Test, port: number): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {}) // the test looks at what came
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return { socket, text: () => text }
}

async function listen(t: Test, port: number, headers: Readonly<Record<string, string>>) {
  const { socket, text } = await open(t, port)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join('')}\r\n`)
  await until('an answer', () => text().includes('\r\n\r\n'))
  return { text, isOpen: () => !socket.closed && !socket.readableEnded }
}

t.test('a stream of events ends with what let its listener in, and nobody else’s does', async t => {
  const { http, directory, clock, signIn } = await serve(t)
  const program = await listen(t, http.port, bearer)
  const [anna, ben] = [await signIn(), await signIn()]
  const listeners = await Promise.all([anna, ben, ben].map(cookie => listen(t, http.port, cookie)))
  const [ofAnna, ...ofBen] = listeners
  t.ok(listeners.every(({ text }) => text().startsWith('HTTP/1.1 200')))

  const leave = { method: 'DELETE', headers: { ...anna, 'x-requested-with': 'test' } }
  t.equal((await fetch(`${http.url}/api/session`, leave)).status, 204)
  await until('the stream of who signed out to end', () => !ofAnna!.isOpen())
  const events = (text: string) => text.split('event: ').length
  const othersToBeTold = async () => {
    const seen = ofBen.map(({ text }) => events(text()))
    await until('the others to be told more', () => ofBen.every(({ text }, at) => events(text()) > seen[at]!))
  }
  await othersToBeTold()

  await clock.advance(sessionLimits.idleMs / 2)
  await othersToBeTold() // which is no use of their session
  await clock.advance(sessionLimits.idleMs / 2)
  await until('the streams of a session that nobody used to end', () => ofBen.every(({ isOpen }) => !isOpen()))

  const another = await listen(t, http.port, await signIn())
  await keepPassword(directory, new Secret('another horse'), 'command')
  await until('the stream to end with the password', () => !another.isOpen())

  removePassword(directory)
  const neighbour = await listen(t, http.port, {})
  t.match(neighbour.text(), /^HTTP\/1\.1 200/, 'without a password this machine may look')
  await keepPassword(directory, new Secret(password), 'command')
  await until('its stream to end once there is one', () => !neighbour.isOpen())
  t.ok(program.isOpen(), 'and a token is not a session')
})

t.test('a thousand dashboards keep nobody else out, and one more is told so', async t => {
  const { http } = await serve(t)
  const batch = Array.from({ length: 100 })
  for (let opened = 0; opened < 1_000; opened += batch.length)
    await Promise.all(batch.map(() => listen(t, http.port, bearer)))
  // browsers keep connections that they may need again
  for (let opened = 0; opened < 1_000; opened += batch.length) await Promise.all(batch.map(() => open(t, http.port)))

  const refused = await fetch(`${http.url}/api/events`, { headers: bearer })
  t.equal(refused.status, 503)
  t.match(refused.headers.get('content-type'), /^application\/problem\+json/)
  t.equal(refused.headers.get('retry-after'), '10')
  t.match(await refused.json(), { status: 503, detail: /^1000 browsers/ })
  t.equal((await fetch(`${http.url}/api/events`, { method: 'HEAD', headers: bearer })).status, 405)
  for (const path of ['/healthz', '/metrics', '/lineup.json', '/sign-in'])
    t.equal((await fetch(`${http.url}${path}`)).status, 200, path)
})

t.test('who follows the log makes no lines by it', async t => {
  const tail = new LogTail(10)
  const { http } = await serve(t, tail)
  const ask = async (path: string) => (await fetch(`${http.url}${path}`, { headers: bearer })).json()
  t.match(await ask('/api/history'), { at: [] })
  await until('its line', () => tail.written > 0)
  const before = tail.written
  t.match(await ask('/api/logs?level=debug'), [{ level: 'debug', message: 'request answered' }])
  await ask('/api/history')
  await until('its line', () => tail.written > before)
  t.notOk(tail.list('debug', 10).some(({ fields }) => fields.includes('/api/logs')))
})
