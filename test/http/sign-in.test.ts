import type { InjectOptions } from 'fastify'
import t, { type Test } from 'tap'
import { createHttp, type HttpDeps, queueRoutes, withoutSignIn } from '../../src/http/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { type AccessSetup, accessFor, bearer } from '../lib/access.ts'
import { TestClock } from '../lib/test-clock.ts'

const password = 'correct horse'
const elsewhere = '192.0.2.7'
const here = '127.0.0.1'
const script = { 'x-requested-with': 'test', origin: 'http://tv.example:5004' }

async function serve(t: Test, { metrics, ...setup }: AccessSetup & { metrics?: 'open' } = {}) {
  const logged: object[] = []
  const note = (fields: object, text?: string) => void logged.push({ ...fields, text })
  const deps: HttpDeps = {
    log: { ...silentLog, info: note, warn: note },
    health: () => ({}),
    ready: () => ({}),
    metrics: async () => 'reelport_x 1\n',
    overview: () => ({ title: 'reelport', summary: '', commands: [], counts: [], notices: [], links: [] }),
    status: () => ({ films: 7 }),
    titles: async () => [],
    actions: { sync: async () => ({ run: 1 }) },
    access: await accessFor(t, setup),
  }
  const done = () => ({ changed: [], unknown: [] })
  const queue = { list: done, add: done, remove: done, pause: done, resume: done, move: done }
  const app = await createHttp({ allow: ['0.0.0.0/0', '::/0'], ...(metrics && { metrics }) }, deps, [
    queueRoutes(queue),
    withoutSignIn(async plugin => {
      plugin.get('/discover.json', async () => ({}))
      await plugin.register(async nested => void nested.post('/lineup.post', async () => ''))
    }),
  ])
  t.teardown(() => app.close())
  const ask = (url: string, options: InjectOptions = {}) =>
    app.inject({
      url,
      remoteAddress: elsewhere,
      ...options,
      headers: { host: 'tv.example:5004', ...options.headers } as Record<string, string>,
    })
  const signIn = async (payload: object = { password }, headers: object = {}) =>
    await ask('/api/session', { method: 'POST', payload, headers: { ...headers } })
  /** The Cookie header of a new session. */
  const cookie = async () => ({ cookie: String((await signIn()).headers['set-cookie']).split(';')[0]! })
  return { app, ask, signIn, cookie, logged }
}

t.test('media servers and supervisors need not sign in, everybody else does', async t => {
  for (const setup of [{}, { password }] as const) {
    const { ask } = await serve(t, setup)
    for (const url of ['/healthz', '/readyz', '/discover.json', '/sign-in', '/api/session'])
      t.equal((await ask(url)).statusCode, 200, url)
    t.equal((await ask('/lineup.post', { method: 'POST' })).statusCode, 200)
    for (const url of ['/healthz', '/discover.json'])
      t.equal((await ask(url, { method: 'HEAD' })).statusCode, 200, `HEAD ${url}`)
    for (const url of ['/plain', '/metrics', '/api/status', '/api/titles', '/api/queue']) {
      const refused = await ask(url)
      t.equal(refused.statusCode, 401, url)
      t.match(refused.headers['www-authenticate'], /^Bearer/)
      t.match(refused.json().detail, 'password' in setup ? /sign in at \/sign-in/ : /reelport password/)
      t.equal((await ask(url, { headers: bearer })).statusCode, 200, `${url} with the token`)
      t.equal((await ask(url, { headers: { authorization: 'Bearer x' } })).statusCode, 401)
    }
    t.equal((await ask('/api/sync', { method: 'POST' })).statusCode, 401)
    t.equal((await ask('/api/sync', { method: 'POST', headers: bearer })).statusCode, 200)
    t.equal((await ask('/nothing')).statusCode, 404)
  }
  const { ask } = await serve(t, { metrics: 'open' })
  t.equal((await ask('/metrics')).statusCode, 200)
})

t.test('without a password this machine may look, under its own name and by itself', async t => {
  const { ask } = await serve(t)
  for (const host of ['localhost:5004', '127.0.0.1:5004', '[::1]:5004', 'localhost'])
    t.equal((await ask('/api/status', { remoteAddress: here, headers: { host } })).statusCode, 200, host)
  t.equal((await ask('/plain', { remoteAddress: '::1', headers: { host: 'localhost' } })).statusCode, 200)
  const refused: readonly InjectOptions[] = [
    { remoteAddress: here, headers: { host: 'rebound.example:5004' } },
    { remoteAddress: here, headers: { host: '127.0.0.1.rebound.example' } },
    ...['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip', 'cf-connecting-ip'].map(name => {
      return { remoteAddress: here, headers: { host: 'localhost', [name]: '203.0.113.9' } }
    }),
    { remoteAddress: elsewhere, headers: { host: 'localhost' } },
  ]
  for (const options of refused) t.equal((await ask('/api/status', options)).statusCode, 401, JSON.stringify(options))
  const change = { method: 'POST', remoteAddress: here, headers: { host: 'localhost', ...script } } as const
  t.equal((await ask('/api/sync', change)).statusCode, 401, 'looking is all')
  t.match((await ask('/api/session', { remoteAddress: here, headers: { host: 'localhost' } })).json(), {
    by: 'this-machine',
    mayChange: false,
    hasPassword: false,
  })
  const closed = await serve(t, { password })
  t.equal((await closed.ask('/api/status', { remoteAddress: here, headers: { host: 'localhost' } })).statusCode, 401)
})

t.test('a session looks and changes, until it is ended', async t => {
  const { ask, signIn, cookie } = await serve(t, { password })
  t.same((await ask('/api/session')).json(), { by: null, mayChange: false, hasPassword: true, endsAt: null })
  const answer = await signIn()
  t.equal(answer.statusCode, 204)
  t.match(answer.headers['set-cookie'], /^reelport=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/)
  const headers = await cookie()
  t.equal((await ask('/api/status', { headers })).statusCode, 200)
  t.match((await ask('/api/session', { headers })).json(), { by: 'session', mayChange: true, endsAt: Number })
  t.equal((await ask('/api/sync', { method: 'POST', headers: { ...headers, ...script } })).statusCode, 200)
  const out = await ask('/api/session', { method: 'DELETE', headers: { ...headers, ...script } })
  t.equal(out.statusCode, 204)
  t.match(out.headers['set-cookie'], /^reelport=; .*Max-Age=0;/)
  t.equal((await ask('/api/status', { headers })).statusCode, 401, 'the cookie is worth nothing any more')
})

t.test('behind a proxy that has the TLS, the cookie is for TLS only, and it counts', async t => {
  const { ask, signIn } = await serve(t, { password })
  const proxied = { host: 'tv.example', 'x-forwarded-proto': 'https', origin: 'https://tv.example' }
  const set = String((await signIn({ password }, proxied)).headers['set-cookie'])
  t.match(set, /^reelport=[\w-]{43}; .*; Secure$/)
  const headers = { ...proxied, cookie: set.split(';')[0]!, 'x-requested-with': 'test' }
  t.equal((await ask('/api/status', { headers })).statusCode, 200)
  t.equal((await ask('/api/sync', { method: 'POST', headers })).statusCode, 200)
  const elsewhere = { ...headers, origin: 'https://evil.example' }
  t.equal((await ask('/api/sync', { method: 'POST', headers: elsewhere })).statusCode, 403)
  t.match((await ask('/api/session', { method: 'DELETE', headers })).headers['set-cookie'], /Max-Age=0;.*Secure$/)
})

t.test('an origin is compared as a whole, with IPv6 addresses and ports', async t => {
  const { ask, cookie } = await serve(t, { password })
  const session = await cookie()
  for (const [host, origin, status] of [
    ['[fd00::7]:5004', 'http://[fd00::7]:5004', 200],
    ['[fd00::7]:5004', 'http://[fd00::7]:5005', 403],
    ['[fd00::7]:5004', 'http://[fd00::8]:5004', 403],
    ['tv.example', 'http://tv.example', 200],
    ['tv.example', 'http://tv.example.evil.example', 403],
    ['tv.example:5004', 'http://tv.example', 403],
    ['tv.example', 'tv.example', 403],
  ] as const) {
    const headers = { ...session, host, origin, 'x-requested-with': 'test' }
    t.equal((await ask('/api/sync', { method: 'POST', headers })).statusCode, status, `${host} ${origin}`)
  }
})

t.test('other sites cannot have a browser change anything', async t => {
  const { ask, cookie, signIn } = await serve(t, { password })
  const session = await cookie()
  const post = (headers: object) => ask('/api/sync', { method: 'POST', headers: { ...session, ...headers } })
  const refused = [
    {},
    { origin: 'http://tv.example:5004' },
    { 'x-requested-with': 'test', origin: 'http://evil.example' },
    { 'x-requested-with': 'test', origin: 'http://tv.example:8080' },
    { 'x-requested-with': 'test', origin: 'null' },
    { ...script, 'sec-fetch-site': 'cross-site' },
    { ...script, 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of refused) {
    const answer = await post(headers)
    t.equal(answer.statusCode, 403, JSON.stringify(headers))
    t.match(answer.json().detail, /another page|X-Requested-With/)
  }
  for (const headers of [
    script,
    { 'x-requested-with': '1' },
    { 'x-requested-with': '1', 'sec-fetch-site': 'same-origin' },
  ])
    t.equal((await post(headers)).statusCode, 200, JSON.stringify(headers))
  t.equal((await signIn({ password }, { origin: 'http://evil.example' })).statusCode, 403, 'nor sign anybody in')
  const cross = await ask('/api/sync', { method: 'OPTIONS', headers: { origin: 'http://evil.example' } })
  t.notOk(cross.headers['access-control-allow-origin'])
})

t.test('who guesses is told to wait, and for how long', async t => {
  const { signIn, ask, logged } = await serve(t, { password, clock: new TestClock() })
  for (let guess = 0; guess < 10; guess++) {
    const answer = await signIn({ password: 'wrong' })
    t.equal(answer.statusCode, 403)
    t.notOk(answer.headers['set-cookie'])
  }
  const answer = await signIn()
  t.equal(answer.statusCode, 429)
  t.match(answer.json(), { title: 'Too Many Requests', detail: /in 90 seconds/ })
  t.equal(answer.headers['retry-after'], '90')
  t.match(logged.at(0), { address: elsewhere, text: 'a wrong password' })
  t.match(logged.at(-1), { address: elsewhere, text: /too many/ })
  t.notMatch(JSON.stringify(logged), /horse/, 'and the log has no password')
  const form = await ask('/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `password=${password}`,
  })
  t.equal(form.statusCode, 429, 'the form is the same door')
  t.match(form.body, /role="alert">There were too many/)
  for (const payload of [{}, { password: 'x'.repeat(3_000) }]) t.equal((await signIn(payload)).statusCode, 400)
})

t.test('a browser is led to the page, and from there to where it wanted to go', async t => {
  const { ask } = await serve(t, { password })
  const led = await ask('/api/titles?q=a&limit=5', { headers: { accept: 'text/html,*/*;q=0.8' } })
  t.equal(led.statusCode, 303)
  t.equal(led.headers.location, '/sign-in?to=%2Fapi%2Ftitles%3Fq%3Da%26limit%3D5')
  const page = await ask(String(led.headers.location))
  t.match(page.headers['content-security-policy'], /default-src 'none'.*form-action 'self'/)
  t.ok(page.body.includes('name="to" value="/api/titles?q=a&amp;limit=5"'))
  t.notMatch(page.body, /<script|\son[a-z]+=/i)
  const submit = (fields: Record<string, string>) =>
    ask('/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(fields).toString(),
    })
  const done = await submit({ password, to: '/api/titles?q=a&limit=5' })
  t.equal(done.statusCode, 303)
  t.equal(done.headers.location, '/api/titles?q=a&limit=5')
  t.match(done.headers['set-cookie'], /HttpOnly; SameSite=Strict/)
  for (const to of ['//evil.example', '/\\evil.example', 'http://evil.example', '', '/a\r\nb', '/sign-in'])
    t.equal((await submit({ password, to })).headers.location, '/', JSON.stringify(to))
  const wrong = await submit({ password: '<b>', to: '/"><script>' })
  t.equal(wrong.statusCode, 403)
  t.notMatch(wrong.body, /<script|<b>/)
})

t.test('while there is no password the page says how to set one', async t => {
  const { ask } = await serve(t)
  const page = await ask('/sign-in')
  t.match(page.body, /reelport password/)
  t.notMatch(page.body, /<form/)
})
