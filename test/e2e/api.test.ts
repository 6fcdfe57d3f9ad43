import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keepPassword } from '../../src/access/index.ts'
import { findInstance } from '../../src/app/index.ts'
import { Secret } from '../../src/lib/secret.ts'
import { type ApiDocument, ApiJudge, faultsOf } from '../lib/api-judge.ts'
import { startReceiver } from '../lib/hook-receiver.ts'
import { connectNfs } from '../lib/nfs-client.ts'
import { without } from '../lib/programs.ts'
import { scene } from '../lib/served-live.ts'
import { until } from '../lib/until.ts'

/** The API's document, and the answers of the whole server beside it. */

t.test(
  'the document is valid OpenAPI, and every operation answers as it says',
  { skip: without('ffmpeg', 'ffprobe') },
  async t => {
    const receiver = await startReceiver(t)
    const file = join(t.testdir(), 'reelport.yaml')
    writeFileSync(file, `webhooks:\n  - { name: chat, url: "${receiver.url.reveal()}" }\n`, { mode: 0o600 })
    const { served, url, rows } = await scene(t, {
      demo: { maxConnections: 4 },
      flags: { config: file, 'plex-url': 'http://127.0.0.1:1', 'plex-watch': 'off' },
    })
    const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as ApiDocument
    t.equal(document.openapi, '3.1.0')
    t.same(await faultsOf(document), undefined)
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    )
    for (const { name, operation } of operations) {
      t.ok(operation.summary, `${name} is described`)
      t.ok(operation.responses['200'] ?? operation.responses['204'], `${name} says what it answers`)
    }
    const isOpen = operations.filter(({ operation }) => operation.security?.length === 0).map(({ name }) => name)
    t.same(isOpen.toSorted(), ['GET /api/session', 'POST /api/session'])

    const judge = new ApiJudge(document)
    const { token } = findInstance(served.config.data)!
    const ask = async (
      method: string,
      path: string,
      { at = path, body, status = 200 }: { at?: string; body?: object; status?: number } = {},
    ) => {
      const answer = await fetch(`${url}${at}`, {
        method,
        headers: { authorization: `Bearer ${token.reveal()}`, ...(body && { 'content-type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      t.equal(answer.status, status, `${method} ${at}: ${text.slice(0, 300)}`)
      const content = text === '' ? undefined : JSON.parse(text)
      t.same(
        judge.faults(method, path, answer.status, answer.headers.get('content-type'), content),
        [],
        `${method} ${at}`,
      )
      return content
    }

    // somebody watches, and somebody has mounted it
    await using mounted = await connectNfs(served.app.nfs.port)
    t.ok((await mounted.walk()).length > 3)
    const leaving = new AbortController()
    t.teardown(() => leaving.abort())
    const viewer = await fetch(rows[0]!.URL, { signal: leaving.signal })
    t.equal(viewer.status, 200)
    await until(
      'a guide',
      async () => ((await (await fetch(`${url}/api/guide`)).json()) as { builtAt?: number }).builtAt,
    )

    await ask('GET', '/api/session')
    const titles = await ask('GET', '/api/titles', { at: '/api/titles?limit=500' })
    t.ok(titles.length >= 4)
    const variantIds = [titles[0].streams[0].variantId]
    await ask('GET', '/api/titles', { at: '/api/titles?limit=0', status: 400 })
    const [listed] = await ask('GET', '/api/library', { at: '/api/library?limit=3' })
    await ask('GET', '/api/library/{id}', { at: `/api/library/${listed.id}` })
    await ask('GET', '/api/library/{id}/poster', { at: '/api/library/999999/poster', status: 404 })
    await ask('GET', '/api/problems')
    t.ok((await ask('GET', '/api/syncs')).length > 0)
    await ask('POST', '/api/measure', { body: { variantIds }, status: 404 })
    await ask('GET', '/api/history')
    t.ok((await ask('GET', '/api/logs', { at: '/api/logs?level=debug' })).length >= 0)
    t.ok((await ask('POST', '/api/checks', { body: {} })).checks.length > 3)
    const events = new AbortController()
    const stream = await fetch(`${url}/api/events`, { signal: events.signal })
    const { value: piece } = await stream.body!.getReader().read()
    events.abort()
    const told = Buffer.from(piece ?? []).toString()
    t.match(told, /^(retry: \d+\n|id: .*\n)+event: state\ndata: \{/m)
    t.same(judge.faults('GET', '/api/events', 200, stream.headers.get('content-type'), told), [], 'GET /api/events')
    await ask('GET', '/api/queue')
    await ask('POST', '/api/queue/add', { body: { variantIds: [999_999] }, status: 404 })
    await ask('POST', '/api/queue/pause', { body: {} })
    await ask('POST', '/api/queue/add', { body: { variantIds } })
    await ask('POST', '/api/queue/resume', { body: {} })
    await ask('POST', '/api/queue/move', { body: { variantIds, to: 'top' } })
    await ask('GET', '/api/queue')
    await ask('POST', '/api/queue/remove', { body: { variantIds } })
    const channels = await ask('GET', '/api/channels', { at: '/api/channels?limit=1000' })
    const at = `/api/channels/${channels[0].id}`
    await ask('GET', '/api/channels/{id}', { at })
    await ask('PUT', '/api/channels/{id}/override', { at: `${at}/override`, body: { name: 'Mine', favorite: true } })
    await ask('GET', '/api/channels/{id}', { at })
    await ask('DELETE', '/api/channels/{id}/override', { at: `${at}/override` })
    await ask('GET', '/api/channels/{id}/programmes', { at: `${at}/programmes` })
    t.ok((await ask('POST', '/api/channels/test', { body: { channelIds: [channels[0].id] } })).length > 0)
    await ask('GET', '/api/channels/{id}', { at })
    await ask('GET', '/api/lineup')
    await ask('GET', '/api/guide')
    await ask('POST', '/api/guide/refresh')
    t.match((await ask('GET', '/api/live')).sessions, [{ viewers: [{ userAgent: String }] }])
    await ask('POST', '/api/plex', { body: { do: 'manual' } })
    await ask('POST', '/api/plex', { body: { do: 'plan' } })
    await ask('POST', '/api/webhooks', { body: { do: 'test' } })
    await ask('POST', '/api/webhooks', { body: { do: 'test', name: 'mail' }, status: 404 })
    await ask('POST', '/api/jellyfin', { body: { do: 'print' } })
    await ask('POST', '/api/sync', { body: {} })
    await ask('GET', '/api/status')
    await until('that sync', () => served.app.status().sync.running.length === 0)
    const status = await ask('GET', '/api/status')
    t.match(status, { live: { sessions: [{}] }, plex: [{ run: { work: 'plan' } }], nfs: { clients: [{}] } })
    await keepPassword(served.config.data, new Secret('correct horse'), 'command')
    await ask('POST', '/api/session', { body: { password: 'correct horse' }, status: 204 })
    await ask('POST', '/api/session', { body: { password: 'incorrect horse' }, status: 403 })
    await ask('DELETE', '/api/session', { status: 204 })
    t.same(
      operations.map(({ name }) => name).filter(name => !judge.seen.has(name)),
      [],
      'each was asked',
    )
  },
)
