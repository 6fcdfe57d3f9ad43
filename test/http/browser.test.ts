import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startHttp } from '../../src/http/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { accessFor } from '../lib/access.ts'
import { openBrowser, openPage } from '../lib/browser.ts'
import { without } from '../lib/programs.ts'

/** A real browser, over plain http, under a name that is not this machine's own: there it says least about where a request is from. */

const skip = without('chromium')

async function serve(t: Test) {
  const synced: unknown[] = []
  const http = await startHttp(
    { host: '127.0.0.1', port: 0, allow: ['127.0.0.0/8'] },
    {
      log: silentLog,
      health: () => ({}),
      ready: () => ({}),
      metrics: async () => '',
      overview: () => ({ title: 'Here it is', summary: '', commands: [], counts: [], notices: [], links: [] }),
      status: () => ({}),
      titles: async () => [],
      actions: { sync: async body => synced.push(body) },
      access: await accessFor(t, { password: 'correct horse' }),
    },
  )
  t.teardown(() => http[Symbol.asyncDispose]())
  return { synced, url: (host: string, path: string) => `http://${host}:${http.port}${path}` }
}

const signIn = async (page: Page, password: string) => {
  await page.locator('[type=password]').fill(password)
  await page.locator('button').click()
}

t.test('a person signs in, changes something, and pages of others cannot', { skip }, async t => {
  const { synced, url } = await serve(t)
  const { page } = await openPage(await openBrowser(t, ['tv.example', 'evil.example']), url('tv.example', '/plain'))
  await page.goto(url('tv.example', '/plain'))
  await signIn(page, 'wrong horse')
  await page.getByRole('alert').getByText('This is not the password.').waitFor()
  await signIn(page, 'correct horse')
  await page.getByRole('heading', { name: 'Here it is' }).waitFor()
  t.equal(await page.evaluate('document.cookie'), '', 'no script sees the cookie')

  const sync = (init: { headers?: Record<string, string>; mode?: 'no-cors' }) =>
    page.evaluate(
      ([url, init]) =>
        fetch(url, { method: 'POST', credentials: 'include', ...init })
          .then(r => r.status)
          .catch(() => -1),
      [url('tv.example', '/api/sync'), init] as const,
    )
  const ours = { headers: { 'X-Requested-With': 'test' } }
  await page.goto(url('tv.example', '/api/docs'))
  t.equal(await sync({}), 403, 'not even ours without the header')
  t.equal(await sync(ours), 200)
  t.equal(synced.length, 1)

  const evil = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>Evil</h1>'),
  )
  await new Promise<void>(done => evil.listen(0, '127.0.0.1', done))
  t.teardown(() => evil.close())
  const { port } = evil.address() as AddressInfo
  // the second is of the same site: there browsers do send the cookie
  for (const host of ['evil.example', 'tv.example']) {
    await page.goto(`http://${host}:${port}/`)
    t.equal(await sync(ours), -1, 'its script may not add the header')
    t.equal(await sync({ mode: 'no-cors' }), -1, 'nor read what it is answered')
  }
  t.equal(synced.length, 1, 'and nothing was done')
})

t.test('the API can be read and tried under its content policy', { skip }, async t => {
  const { synced, url } = await serve(t)
  const { page, faults } = await openPage(await openBrowser(t, ['tv.example']), url('tv.example', '/api/docs'))
  await page.goto(url('tv.example', '/api/docs'))
  await signIn(page, 'correct horse')
  const operation = page.locator('#operations-state-post_api_sync')
  await operation.locator('.opblock-summary-control').click()
  await operation.locator('.try-out__btn').click()
  await operation.locator('.execute').click()
  await operation.getByText('Server response').waitFor()
  t.equal(synced.length, 1)
  t.same(faults, [], 'nothing was forbidden, and nobody else was asked')
})
