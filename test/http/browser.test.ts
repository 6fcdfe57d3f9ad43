import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { startHttp } from '../../src/http/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { accessFor } from '../lib/access.ts'
import { startBrowser } from '../lib/chromium-tab.ts'
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
      titles: () => [],
      actions: { sync: async body => synced.push(body) },
      access: await accessFor(t, { password: 'correct horse' }),
    },
  )
  t.teardown(() => http[Symbol.asyncDispose]())
  return { synced, url: (host: string, path: string) => `http://${host}:${http.port}${path}` }
}

t.test('a person signs in, changes something, and pages of others cannot', { skip }, async t => {
  const { synced, url } = await serve(t)
  const browser = await startBrowser(t, ['tv.example', 'evil.example'])
  const submit = async (password: string) => {
    await browser.shows('the form', `document.querySelector('[type=password]') !== null`)
    await browser.evaluate(
      `document.querySelector('[type=password]').value = '${password}', document.forms[0].submit()`,
    )
  }
  await browser.open(url('tv.example', '/'))
  await submit('wrong horse')
  await browser.shows(
    'what was wrong',
    `document.querySelector('[role=alert]')?.textContent === 'This is not the password.'`,
  )
  await submit('correct horse')
  await browser.shows('the page', `document.querySelector('h1')?.textContent === 'Here it is'`)
  t.equal(await browser.evaluate('document.cookie'), '', 'no script sees the cookie')

  const sync = (how: string) =>
    browser.evaluate<number>(`fetch('${url('tv.example', '/api/sync')}', {
      method: 'POST', credentials: 'include', ${how} }).then(({ status }) => status, () => -1)`)
  await browser.open(url('tv.example', '/api/docs'))
  await browser.shows('a page with scripts', `typeof SwaggerUIBundle === 'function'`)
  t.equal(await sync(''), 403, 'not even ours without the header')
  t.equal(await sync(`headers: { 'X-Requested-With': 'test' }`), 200)
  t.equal(synced.length, 1)

  const evil = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<h1>Evil</h1>'),
  )
  await new Promise<void>(done => evil.listen(0, '127.0.0.1', done))
  t.teardown(() => evil.close())
  const { port } = evil.address() as AddressInfo
  // the second is of the same site: there browsers do send the cookie
  for (const host of ['evil.example', 'tv.example']) {
    await browser.open(`http://${host}:${port}/`)
    await browser.shows(
      'the other page',
      `location.host === '${host}:${port}' && document.querySelector('h1')?.textContent === 'Evil'`,
    )
    t.equal(await sync(`headers: { 'X-Requested-With': 'test' }`), -1, 'its script may not add the header')
    t.equal(await sync(`mode: 'no-cors'`), -1, 'nor read what it is answered')
  }
  t.equal(synced.length, 1, 'and nothing was done')
})

t.test('the API can be read and tried under its content policy', { skip }, async t => {
  const { synced, url } = await serve(t)
  const browser = await startBrowser(t, ['tv.example'])
  await browser.open(url('tv.example', '/api/docs'))
  await browser.shows('the form', `document.querySelector('[type=password]') !== null`)
  await browser.evaluate(
    `document.querySelector('[type=password]').value = 'correct horse', document.forms[0].submit()`,
  )
  const operation = '#operations-state-post_api_sync'
  await browser.shows(
    'the operations',
    `document.querySelectorAll('.opblock').length > 5 && document.querySelector('${operation}') !== null`,
  )
  const press = async (selector: string) => {
    await browser.shows(selector, `document.querySelector('${operation} ${selector}') !== null`)
    await browser.evaluate(`document.querySelector('${operation} ${selector}').click()`)
  }
  await press('.opblock-summary-control')
  await press('.try-out__btn')
  await press('.execute')
  await browser.shows('the answer', `document.querySelector('${operation}').innerText.includes('Server response')`)
  t.equal(synced.length, 1)
  t.same(
    browser.complaints.filter(text => /Content.Security.Policy|Exception/.test(text)),
    [],
    'nothing was forbidden',
  )
})
