import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { createHttp, type HttpDeps, type HttpOptions, startHttp } from '../../src/http/index.ts'
import { HttpProblem } from '../../src/lib/http-problem.ts'
import { ListenError } from '../../src/lib/listen-error.ts'
import { silentLog } from '../../src/lib/log.ts'
import { gauge, openMetrics } from '../../src/lib/metrics.ts'
import { Secret } from '../../src/lib/secret.ts'
import { accessFor, bearer, adminToken as token } from '../lib/access.ts'
import { parseExposition } from '../lib/exposition.ts'

const access = await accessFor(t)
const local = { allow: ['127.0.0.0/8'] }

function deps(changes: Partial<HttpDeps> = {}): HttpDeps {
  return {
    log: silentLog,
    health: () => ({ nfs: { ok: true } }),
    ready: () => ({ catalog: { ok: true } }),
    metrics: async () => 'reelport_x 1\n',
    overview: () => ({ title: 'reelport', summary: 'Serves.', commands: [], counts: [], notices: [], links: [] }),
    status: () => ({ films: 7, token: new Secret('hunter2') }),
    titles: async query => ({ query }),
    actions: {},
    access,
    ...changes,
  }
}

async function server(changes: Partial<HttpDeps> = {}, options: Pick<HttpOptions, 'allow'> = local) {
  const app = await createHttp(options, deps(changes))
  t.teardown(() => app.close())
  return app
}

t.test('health and readiness are 200 when every part is well, else 503 with the reasons', async t => {
  const parts = { nfs: { ok: true }, disk: { ok: false, reason: 'the disk is full' } }
  const app = await server({ health: () => parts })
  const health = await app.inject('/healthz')
  t.equal(health.statusCode, 503)
  t.same(health.json(), { status: 'failing', parts })
  const ready = await app.inject('/readyz')
  t.equal(ready.statusCode, 200)
  t.same(ready.json(), { status: 'ready', parts: { catalog: { ok: true } } })
  const starting = await (await server({ ready: () => ({ catalog: { ok: false, reason: 'empty' } }) })).inject(
    '/readyz',
  )
  t.equal(starting.statusCode, 503)
  t.match(starting.json(), { status: 'not ready', parts: { catalog: { reason: 'empty' } } })
  t.equal((await app.inject({ method: 'HEAD', url: '/healthz' })).statusCode, 503)
})

t.test('metrics come as Prometheus reads them', async t => {
  using metrics = openMetrics()
  metrics.register('nfs', () => 4, { open_connections: gauge('Clients.', count => count) })
  const answer = await (await server({ metrics: metrics.text })).inject('/metrics')
  t.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(parseExposition(answer.body).value('reelport_nfs_open_connections'), 4)
})

t.test('status and titles are JSON, and questions are checked', async t => {
  const app = await server()
  t.same((await app.inject('/api/status')).json(), { films: 7, token: '[secret]' })
  t.same((await app.inject('/api/titles?q=am%C3%A9lie&limit=5')).json(), { query: { q: 'amélie', limit: 5 } })
  t.same((await app.inject('/api/titles')).json(), { query: { q: '', limit: 50 } })
  for (const query of ['limit=0', 'limit=501', 'limit=x', `q=${'x'.repeat(201)}`, 'q=a&q=b']) {
    const answer = await app.inject(`/api/titles?${query}`)
    t.equal(answer.statusCode, 400, query)
    t.match(answer.json(), { title: 'Bad Request', status: 400, detail: /querystring/ })
  }
})

t.test('actions need the token, all of it', async t => {
  const asked: unknown[] = []
  const actions = {
    sync: async (body: unknown) => {
      asked.push(body)
      return { started: true }
    },
    quiet: async () => undefined,
    refuse: async () => {
      throw new HttpProblem(409, 'A sync is under way.', { 'retry-after': '5' })
    },
  }
  const app = await server({ actions })
  const post = (url: string, headers: object, payload?: object) =>
    app.inject({ method: 'POST', url, headers: { ...headers }, ...(payload && { payload }) })
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Basic ${token}`,
    token,
    'Bearer [secret]',
  ]) {
    const answer = await post('/api/sync', { authorization })
    t.equal(answer.statusCode, 401, JSON.stringify(authorization))
    t.match(answer.headers['www-authenticate'], /^Bearer/)
    t.notMatch(answer.body, token)
  }
  t.same(asked, [], 'nothing was done')
  t.same((await post('/api/sync', bearer, { account: 'main' })).json(), { started: true })
  t.equal((await post('/api/sync', bearer)).statusCode, 200)
  t.same(asked, [{ account: 'main' }, {}])
  t.equal((await post('/api/quiet', bearer)).body, 'null')
  const refused = await post('/api/refuse', bearer)
  t.equal(refused.statusCode, 409)
  t.equal(refused.headers['retry-after'], '5')
  t.match(refused.json(), { title: 'Conflict', detail: 'A sync is under way.' })
  t.equal((await app.inject('/api/sync')).statusCode, 405, 'looking does not start it')
  t.match((await app.inject('/api/sync')).headers, { allow: 'POST' })
})

t.test('every error is a problem document with the id of the request', async t => {
  const logged: object[] = []
  const log = { ...silentLog, error: (fields: object) => void logged.push(fields) }
  const boom = async () => {
    throw new Error('a detail that is nobody else’s business')
  }
  const app = await server({ log, actions: { boom } })
  const answers = [
    [await app.inject('/nothing?with=query'), 404, /Nothing is at \/nothing\.$/],
    [await app.inject({ method: 'DELETE', url: '/healthz' }), 405, /GET, HEAD/],
    [await app.inject('/%zz'), 400, /valid url/],
    [
      await app.inject({
        method: 'POST',
        url: '/api/boom',
        headers: { ...bearer, 'content-type': 'application/json' },
        payload: '{',
      }),
      400,
      /JSON/,
    ],
    [
      await app.inject({
        method: 'POST',
        url: '/api/boom',
        headers: { ...bearer, 'content-type': 'text/xml' },
        payload: '<a/>',
      }),
      415,
      /application\/json/,
    ],
    [
      await app.inject({ method: 'POST', url: '/api/boom', headers: bearer, payload: { a: 'x'.repeat(70_000) } }),
      413,
      /large/,
    ],
    [
      await app.inject({ method: 'POST', url: '/api/boom', headers: { ...bearer, 'x-request-id': 'from-proxy_7' } }),
      500,
      /from-proxy_7/,
    ],
  ] as const
  for (const [answer, status, detail] of answers) {
    t.equal(answer.statusCode, status)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.match(answer.json(), { type: 'about:blank', status, detail })
    t.ok(answer.json().title && answer.json().requestId)
    t.notMatch(answer.body, /business/)
  }
  t.match(logged, [{ requestId: 'from-proxy_7', path: '/api/boom', error: { message: /business/ } }])
  t.equal(logged.length, 1, 'what clients get wrong is no error of ours')
  const answer = await app.inject({ url: '/healthz', headers: { 'x-request-id': 'a b\u00e4' } })
  t.match(answer.headers['x-request-id'], /^[0-9a-f-]{36}$/, 'a strange id is not taken over')
})

t.test(
  'a method that a path does not have is told from a path that is not there, with parameters in it, too',
  async t => {
    const app = await createHttp(local, deps(), [
      async plugin => {
        plugin.get('/api/things/:id', async () => ({}))
        plugin.put('/api/things/:id/name', async () => ({}))
        plugin.delete('/api/things/:id/name', async () => ({}))
      },
    ])
    t.teardown(() => app.close())
    for (const [method, url, status, allow] of [
      ['POST', '/api/things/7', 405, 'GET, HEAD'],
      ['OPTIONS', '/api/things/7?x=1', 405, 'GET, HEAD'],
      ['GET', '/api/things/7/name', 405, 'DELETE, PUT'],
      ['PATCH', '/sign-in', 405, 'GET, HEAD, POST'],
      ['GET', '/api/things', 404, undefined],
      ['GET', '/api/things/7/other', 404, undefined],
      ['GET', '/healthzz', 404, undefined],
    ] as const) {
      const answer = await app.inject({ method, url })
      t.match(answer.json(), { status }, `${method} ${url}`)
      t.equal(answer.headers.allow, allow, `${method} ${url}`)
    }
  },
)

t.test('what never becomes a request is answered with a problem document, too', async t => {
  const http = await startHttp({ host: '127.0.0.1', port: 0, ...local }, deps())
  t.teardown(() => http[Symbol.asyncDispose]())
  for (const [text, status] of [
    [`GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['This is no HTTP\r\n\r\n', 400],
    ['GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ] as const) {
    const socket = connect(http.port, '127.0.0.1').on('error', () => {})
    socket.write(text)
    const answer = Buffer.concat(await Array.fromAsync(socket)).toString()
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
    t.match(head, /\r\nContent-Type: application\/problem\+json/)
    t.match(JSON.parse(body), { type: 'about:blank', status, title: String, detail: String, requestId: String })
  }
})

t.test('a proxy that adds nothing, and speaks HTTP/1.0, is not taken for this machine', async t => {
  const http = await startHttp({ host: '127.0.0.1', port: 0, ...local }, deps())
  t.teardown(() => http[Symbol.asyncDispose]())
  for (const [version, status] of [
    ['1.1', 200],
    ['1.0', 401],
  ] as const) {
    const socket = connect(http.port, '127.0.0.1')
    socket.write(`GET /api/status HTTP/${version}\r\nHost: 127.0.0.1:5004\r\nConnection: close\r\n\r\n`)
    t.match(Buffer.concat(await Array.fromAsync(socket)).toString(), new RegExp(`^HTTP/1\\.1 ${status} `))
  }
})

t.test('answers tell browsers to trust nothing', async t => {
  const app = await server()
  for (const url of ['/plain', '/healthz', '/nothing']) {
    const { headers } = await app.inject(url)
    t.match(headers, {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
    })
    t.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/)
    t.notMatch(headers['content-security-policy'], /unsafe/)
  }
})

t.test('the front page shows everything as text, and nothing as anything else', async t => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('<script>x()</script>', '"><img src=x onerror=y>', "'&amp;'", '</style>'),
  )
  await fc.assert(
    fc.asyncProperty(text, text, async (first, second) => {
      const overview = {
        title: first,
        summary: second,
        commands: [{ label: first, command: second }],
        counts: [{ label: second, value: first }],
        notices: [first],
        links: [{ label: second, href: first }],
      }
      const { body } = await (await createHttp(local, deps({ overview: () => overview }))).inject('/plain')
      const plain = await (await createHttp(local, deps({ overview: () => blank(overview) }))).inject('/plain')
      const tags = (html: string) => html.match(/<[^>]*?(?=[\s>])/g)?.join(' ')
      t.equal(tags(body), tags(plain.body), 'the same elements whatever is in them')
      t.ok(body.includes(`<code>${escaped(second)}</code>`))
      t.ok(body.includes(`href="${escaped(first)}"`))
    }),
    { numRuns: 25 },
  )
})

t.test('the front page is a whole, accessible document without scripts', async t => {
  const overview = {
    title: 'reelport 1.0',
    summary: 'Serves 1,204 films.',
    commands: [{ label: 'On Linux', command: 'mount -t nfs 192.0.2.1:/ /mnt' }],
    counts: [{ label: 'Films', value: '1,204' }],
    notices: ['The last sync failed.'],
    links: [{ label: 'Status', href: '/api/status' }],
  }
  const answer = await (await server({ overview: () => overview })).inject('/plain')
  t.match(answer.headers['content-type'], /^text\/html; charset=utf-8/)
  for (const part of [
    '<!doctype html>',
    '<html lang="en">',
    'name="viewport"',
    '<main>',
    '<title>reelport 1.0</title>',
    '<dt>Films</dt><dd>1,204</dd>',
    'mount -t nfs 192.0.2.1:/ /mnt',
    'href="/api/status"',
    'role="status"',
    'color-scheme: light dark',
  ]) {
    t.ok(answer.body.includes(part), part)
  }
  t.notMatch(answer.body, /<script|\son[a-z]+=|<link rel="(?!icon")|\ssrc=/i)
  const style = /<style>(.*?)<\/style>/s.exec(answer.body)![1]!
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(style))).toString('base64')
  t.ok(String(answer.headers['content-security-policy']).includes(`'sha256-${digest}'`), 'browsers accept the style')
  const page = (await (await server()).inject('/plain')).body
  t.notMatch(page, /Mount it|More/, 'nothing to mount, no empty headings')
})

t.test('who connects from elsewhere is turned away, whatever he asks for', async t => {
  const app = await server({}, { allow: ['192.0.2.0/24'] })
  for (const url of ['/plain', '/healthz', '/metrics', '/api/status', '/nothing']) {
    const refused = await app.inject({
      url,
      remoteAddress: '198.51.100.7',
      headers: { 'x-forwarded-for': '192.0.2.1' },
    })
    t.equal(refused.statusCode, 403, url)
    t.match(refused.json(), { detail: /198\.51\.100\.7.*http\.allow/ })
    t.not((await app.inject({ url, remoteAddress: '::ffff:192.0.2.9' })).statusCode, 403)
  }
})

t.test('plugins bring routes of other parts, under the same rules', async t => {
  const app = await createHttp({ allow: ['192.0.2.1'] }, deps(), [
    async plugin => {
      plugin.get('/discover.json', async () => ({ FriendlyName: 'reelport' }))
    },
  ])
  t.teardown(() => app.close())
  const ask = (remoteAddress: string) => app.inject({ url: '/discover.json', remoteAddress, headers: bearer })
  t.same((await ask('192.0.2.1')).json(), { FriendlyName: 'reelport' })
  t.equal((await ask('192.0.2.2')).statusCode, 403)
})

t.test('over a real socket: answers, a port in use explained, and an end that waits for nobody', async t => {
  let aborted: Promise<unknown> | undefined
  const { promise: asked, resolve: begin } = Promise.withResolvers<void>()
  const wait = async (_body: unknown, signal: AbortSignal) => {
    aborted = once(signal, 'abort')
    begin()
    await aborted
    return 'too late'
  }
  const options = { host: '127.0.0.1', port: 0, ...local }
  const http = await startHttp(options, deps({ actions: { wait } }))
  t.equal(http.url, `http://127.0.0.1:${http.port}`)
  t.equal((await fetch(`${http.url}/healthz`)).status, 200)
  const error = await startHttp({ ...options, port: http.port }, deps()).catch(error => error)
  t.ok(error instanceof ListenError)
  t.match(error, { code: 'EADDRINUSE', message: /The HTTP server.*http\.port.*--http-port.*REELPORT_HTTP_PORT/ })

  const idle = connect(http.port, '127.0.0.1')
  await once(idle, 'connect')
  const closed = once(idle, 'close')
  const pending = fetch(`${http.url}/api/wait`, { method: 'POST', headers: bearer }).catch(() => 'cut')
  await asked
  await http[Symbol.asyncDispose]()
  await closed
  t.equal(await pending, 'cut')
  await aborted
  await t.rejects(fetch(`${http.url}/healthz`), 'nothing listens any more')
})

function blank({ commands, counts, notices, links, ...rest }: ReturnType<HttpDeps['overview']>) {
  const clear = <T extends object>(items: readonly T[]) =>
    items.map(item => Object.fromEntries(Object.keys(item).map(key => [key, 'x'])) as T)
  return {
    ...rest,
    title: 'x',
    summary: 'x',
    commands: clear(commands),
    counts: clear(counts),
    notices: notices.map(() => 'x'),
    links: clear(links),
  }
}

/** As the HTML standard escapes text in content and attributes. */
function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
