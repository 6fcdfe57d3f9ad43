import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { CertificateError, type HttpDeps, startHttp, withoutSignIn } from '../../src/http/index.ts'
import { ListenError } from '../../src/lib/listen-error.ts'
import { silentLog } from '../../src/lib/log.ts'
import { baseUrlOf } from '../../src/tuner/base-url.ts'
import { accessFor, dataDirectory } from '../lib/access.ts'
import { makeCertificate } from '../lib/certificates.ts'
import { without } from '../lib/programs.ts'
import { until } from '../lib/until.ts'

const options = { skip: without('openssl') }
const plain = { host: '127.0.0.1', port: 0, allow: ['127.0.0.0/8'] }

async function serve(t: Test, tls: { cert: string; key: string; port?: number }, log = silentLog) {
  const deps: HttpDeps = {
    log,
    health: () => ({}),
    ready: () => ({}),
    metrics: async () => '',
    overview: () => ({ title: '', summary: '', commands: [], counts: [], notices: [], links: [] }),
    status: () => ({ films: 7 }),
    titles: async () => [],
    actions: {},
    access: await accessFor(t, { password: 'correct horse' }),
  }
  const http = await startHttp({ ...plain, tls: { port: 0, checkMs: 20, ...tls } }, deps, [
    withoutSignIn(async app => void app.get('/base', async ({ raw }) => baseUrlOf(raw, undefined))),
  ])
  t.teardown(() => http[Symbol.asyncDispose]())
  return http
}

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** Whose certificate it was. */
  readonly name: string
}

/** Asks as a client that trusts these certificates and no others. */
function ask(
  port: number,
  ca: readonly string[],
  {
    path = '/healthz',
    method = 'GET',
    headers = {},
    body,
    agent,
  }: { path?: string; method?: string; headers?: object; body?: string; agent?: Agent } = {},
): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        ...{ host: '127.0.0.1', port, path, method, agent: agent ?? new Agent({ maxCachedSessions: 0 }) },
        ...{ servername: 'tv.example', ca: ca.map(path => readFileSync(path)) },
        headers: { host: 'tv.example', ...headers },
      },
      async response => {
        const { subject } = (response.socket as TLSSocket).getPeerCertificate()
        let text = ''
        for await (const chunk of response) text += chunk
        resolve({ status: response.statusCode!, headers: response.headers, body: text, name: String(subject.CN) })
      },
    )
    asked.once('error', reject).end(body)
  })
}

t.test('a client that checks the certificate signs in, and its cookie is for TLS only', options, async t => {
  const pair = await makeCertificate(dataDirectory(t), 'first')
  const http = await serve(t, pair)
  const { port } = http.tls!
  await t.rejects(ask(port, []), /self-signed/, 'it does check')
  t.match(await ask(port, [pair.cert]), { status: 200, name: 'first' })
  t.equal((await ask(port, [pair.cert], { path: '/api/status' })).status, 401, 'the same rules')
  const json = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
  const body = JSON.stringify({ password: 'correct horse' })
  const signedIn = await ask(port, [pair.cert], { path: '/api/session', method: 'POST', headers: json, body })
  const [cookie] = signedIn.headers['set-cookie'] as string[]
  t.match(cookie, /^__Host-reelport=[\w-]{43}; Path=\/; .*HttpOnly; SameSite=Strict; Secure$/)
  const headers = { cookie: cookie!.split(';')[0]! }
  t.equal((await ask(port, [pair.cert], { path: '/api/status', headers })).body, '{"films":7}')
  t.equal((await fetch(`${http.url}/api/status`, { headers })).status, 401, 'it counts for nothing without TLS')
  const tooLong = await ask(port, [pair.cert], { headers: { 'x-long': 'x'.repeat(20_000) } })
  t.match(tooLong, { status: 431, headers: { 'content-type': /^application\/problem\+json/ } })
  t.equal((await fetch(`${http.url}/healthz`)).status, 200, 'which is there, too')
  t.equal(
    (await ask(port, [pair.cert], { path: '/base' })).body,
    'https://tv.example',
    'documents name where they were asked',
  )
  t.equal(await (await fetch(`${http.url}/base`)).text(), http.url)
  t.ok(Math.abs(http.tls!.certificateEndsAt - Date.now() - 90 * 86_400_000) < 86_400_000)
})

t.test('renewed files are taken up, and only when they fit', options, async t => {
  const directory = dataDirectory(t)
  const [first, second] = [await makeCertificate(directory, 'first'), await makeCertificate(directory, 'second')]
  const used = { cert: join(directory, 'used.crt'), key: join(directory, 'used.key') }
  const renew = (from: string, to: string) => {
    copyFileSync(from, `${to}.new`)
    renameSync(`${to}.new`, to)
  }
  for (const part of ['cert', 'key'] as const) renew(first[part], used[part])
  const warnings: string[] = []
  const log = {
    ...silentLog,
    warn: (fields: object, text?: string) => void warnings.push(JSON.stringify(fields) + text),
  }
  const http = await serve(t, used, log)
  const { port } = http.tls!
  const trusted = [first.cert, second.cert]
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => kept.destroy())
  t.equal((await ask(port, trusted, { agent: kept })).name, 'first')

  renew(second.cert, used.cert)
  await until('the half-done renewal to be noticed', () => warnings.some(text => /the one before stays/.test(text)))
  t.match(warnings[0], /used\.crt.*used\.key.*key values mismatch/)
  t.equal((await ask(port, trusted)).name, 'first')
  renew(second.key, used.key)
  await until('the renewed certificate', async () => (await ask(port, trusted)).name === 'second')
  t.equal((await ask(port, trusted, { agent: kept })).name, 'first', 'who is connected stays so')
})

t.test('what cannot be used is named', options, async t => {
  const directory = dataDirectory(t)
  const [one, other] = [await makeCertificate(directory, 'one'), await makeCertificate(directory, 'other')]
  const refused = async (tls: { cert: string; key: string; port?: number }) =>
    await serve(t, tls).then(
      () => undefined,
      error => error,
    )
  t.match(await refused({ cert: join(directory, 'none'), key: one.key }), {
    message: /Cannot read .*none.*http\.tls\.cert/,
  })
  const mismatch = await refused({ cert: one.cert, key: other.key })
  t.ok(mismatch instanceof CertificateError)
  t.match(mismatch.message, /one\.crt with .*other\.key.*mismatch.*its own key/)
  const http = await serve(t, one)
  const inUse = await refused({ ...one, port: http.tls!.port })
  t.ok(inUse instanceof ListenError)
  t.match(inUse.message, /http\.tls\.port/)
})
