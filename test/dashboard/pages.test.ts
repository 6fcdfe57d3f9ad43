import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { keepPassword, removePassword } from '../../src/access/index.ts'
import { findInstance } from '../../src/app/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { LogTail } from '../../src/lib/log-tail.ts'
import { openLog } from '../../src/lib/logging.ts'
import { Secret } from '../../src/lib/secret.ts'
import { openBrowser, openPage } from '../lib/browser.ts'
import { without } from '../lib/programs.ts'
import { reelport } from '../lib/reelport.ts'
import { type ServedDemo, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

const skip = without('chromium', 'ffmpeg')
const pages = [
  ...['overview', 'library', 'library/problems', 'title/1', 'queue', 'channels', 'guide', 'live', 'sync', 'nfs'],
  ...['plex', 'mount', 'checks', 'logs', 'setup', 'nothing'],
]
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

interface Scene {
  readonly served: ServedDemo
  readonly url: string
  /** What a person's session will be worth: the token that actions want. */
  readonly bearer: { readonly authorization: string }
  readonly directory: string
  readonly tail: LogTail
  readonly browser: Awaited<ReturnType<typeof openBrowser>>
}

async function scene(t: Test): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-dashboard-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const tail = new LogTail(100)
  const log = openLog({ level: 'debug', format: 'json', destination: { write: () => {} }, tail })
  const flags = { 'tuner-discovery': 'off' }
  const demo = { faults: { answers: { [unreadable.target]: { status: 403 } } } }
  const served = await serveDemo(t, { demo, demoIn: directory, tail, log, flags, sidecars: artwork })
  const bearer = { authorization: `Bearer ${findInstance(served.config.data)!.token.reveal()}` }
  return { served, url: served.app.http.url, bearer, directory, tail, browser: await openBrowser(t, ['tv.example']) }
}

/** A film that the provider refuses. */
const unreadable = { target: 'movie/109', name: 'Zwölf Stunden' } as const
const artwork = { plexmatch: false, nfo: false, artwork: true, subtitles: false }

/** Goes to a page of the dashboard and waits until it is there. */
async function show(page: Page, url: string, name: string): Promise<void> {
  await page.goto(`${url}/#/${name}`)
  await page.locator('.link.on').waitFor()
  await page.waitForLoadState('load')
  await page.locator('main h1').filter({ hasNotText: 'Loading' }).waitFor()
}

async function post(scene: Scene, path: string, body: object): Promise<void> {
  const headers = { ...scene.bearer, 'content-type': 'application/json' }
  const answer = await fetch(`${scene.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
}

t.test('a person and the dashboard', { skip }, async t => {
  const here = await scene(t)
  const { url, bearer, browser, served } = here

  await t.test('every page is free of errors, of other hosts and of serious barriers', async t => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [390, 1280]) {
        const { page, faults } = await openPage(browser, url, { colorScheme, viewport: { width, height: 900 } })
        for (const name of pages) {
          await show(page, url, name)
          const at = `${name}, ${colorScheme}, ${width} px`
          await page.evaluate(readFileSync(axe, 'utf8'))
          const violations = await page.evaluate(async () => {
            const { violations } = await (globalThis as unknown as { axe: { run(): Promise<Found> } }).axe.run()
            return violations.map(({ id, impact, nodes }) => `${impact}: ${id} ${nodes[0]?.html}`)
          })
          t.strictSame(
            violations.filter(text => /^(serious|critical)/.test(text)),
            [],
            at,
          )
          const wider = await page.evaluate('scrollTo(1000, 0), scrollX')
          t.equal(wider, 0, `${at}: nothing sticks out`)
        }
        t.strictSame(faults, [])
        await page.context().close()
      }
    }
  })

  await t.test('pages do not jump while they fill', async t => {
    const { page } = await openPage(browser, url, { viewport: { width: 1280, height: 900 } })
    for (const name of ['overview', 'library', 'title/1', 'queue', 'guide', 'nfs']) {
      await page.goto('about:blank')
      await show(page, url, name)
      await page.waitForLoadState('networkidle', { timeout: 1_000 }).catch(() => {}) // the events never end
      const shifted = await page.evaluate<number>(`new Promise(resolve => new PerformanceObserver(list =>
        resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0))
      ).observe({ type: 'layout-shift', buffered: true }) || setTimeout(resolve, 200, 0))`)
      t.ok(shifted < 0.1, `${name}: ${shifted}`)
    }
    await page.context().close()
  })

  await t.test('without a mouse', async t => {
    const { page } = await openPage(browser, url, { viewport: { width: 1280, height: 900 } })
    await show(page, url, 'overview')
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()')
    await page.keyboard.press('Tab')
    t.equal(await focused(), 'Skip to content')
    await page.keyboard.press('Enter')
    t.equal(await focused(), 'Overview')
    t.equal(await page.evaluate('document.activeElement.tagName'), 'H1')
    await page.locator('#menu a', { hasText: 'Guide' }).focus()
    await page.keyboard.press('Enter')
    await page.locator('[data-cell="0-0"]').waitFor()
    t.equal(await focused(), 'Guide', 'a new page begins at its heading')
    await until('the grid to be reached', async () => {
      await page.keyboard.press('Tab')
      return (await page.evaluate('document.activeElement.dataset.cell')) === '0-0'
    })
    const cell = () => page.evaluate<string>('document.activeElement.dataset.cell')
    await page.keyboard.press('ArrowRight')
    t.equal(await cell(), '0-1')
    await page.keyboard.press('ArrowDown')
    t.match(await cell(), /^1-/)
    await page.keyboard.press('Home')
    t.equal(await cell(), '1-0')
    const title = await focused()
    t.match(await page.locator('.programme').innerText(), title, 'what is chosen is read out')
    await page.keyboard.press('Tab')
    t.equal(await cell(), undefined, 'the grid is one stop on the way')
    await page.context().close()
  })

  await t.test('what happens elsewhere is seen without a reload, and takes nobody’s place', async t => {
    await post(here, '/api/queue/pause', {})
    for (const browserIs of ['new', 'without moveBefore']) {
      await post(here, '/api/queue/add', { variantIds: [1, 2, 3] })
      const { page, faults } = await openPage(browser, url, { viewport: { width: 1280, height: 900 } })
      if (browserIs !== 'new') await page.addInitScript('delete Element.prototype.moveBefore')
      await show(page, url, 'queue')
      await page.locator('#remove-2').focus()
      const order = async () => await page.locator('.entry .button.danger').evaluateAll(all => all.map(({ id }) => id))
      await until('the order', async () => (await order()).join() === 'remove-1,remove-2,remove-3')
      await post(here, '/api/queue/move', { variantIds: [2], to: 'top' })
      await until('the new order', async () => (await order()).join() === 'remove-2,remove-1,remove-3')
      t.equal(await page.evaluate('document.activeElement.id'), 'remove-2', `${browserIs}: the focus went along`)
      await post(here, '/api/queue/add', { variantIds: [4] })
      await page.locator('#remove-4').waitFor()
      t.match(await page.locator('#menu').innerText(), /Queue\s+4/)
      t.strictSame(faults, [])
      await page.context().close()
      if (browserIs === 'new') await post(here, '/api/queue/remove', { variantIds: [1, 2, 3, 4] })
    }
  })

  await t.test('the queue is changed by clicking, and what came of it is said', async t => {
    const { page, faults } = await openPage(browser, url, { extraHTTPHeaders: bearer })
    await show(page, url, 'queue')
    const said = (text: RegExp) => page.locator('.said', { hasText: text }).waitFor()
    await page.locator('#down-2').click()
    await said(/moved down/)
    await page.locator('#remove-4').click()
    await said(/was removed/)
    await page.locator('#remove-4').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Resume all' }).click()
    await said(/goes on/)
    await until('everything to be made', () => served.app.status().queue.made >= 3)
    await page.getByText('Nothing waits to be made').waitFor()
    t.strictSame(faults, [])

    await page.getByRole('link', { name: 'Choose something' }).click()
    await page.getByRole('searchbox').fill('quiet orbit')
    await until('the search', async () => (await page.locator('.shelf li').count()) === 1)
    t.match(page.url(), /q=quiet/)
    await page.locator('.shelf img').evaluate(picture => (picture as unknown as { decode(): Promise<void> }).decode())
    await page.locator('.shelf a').click()
    await page.getByText('/Movies/A Quiet Orbit').waitFor()
    await page
      .getByAltText('Poster of A Quiet Orbit')
      .evaluate(picture => (picture as unknown as { decode(): Promise<void> }).decode())
    await page
      .getByText([...served.demo.catalogue.movies()].find(({ name }) => /A Quiet Orbit/.test(name))!.plot!)
      .waitFor()
    await page.getByRole('button', { name: /Bring it here/ }).click()
    await said(/is in the queue/)
    await until('it to be made', () => served.app.status().queue.made >= 4)
    await page.context().close()
  })

  await t.test('what could not be measured is measured again', async t => {
    const { page, faults } = await openPage(browser, url, { extraHTTPHeaders: bearer })
    await show(page, url, 'library/problems')
    await page
      .getByRole('row')
      .filter({ hasText: /status 403/ })
      .getByRole('link', { name: unreadable.name })
      .click()
    await page.getByText(/status 403/).waitFor()
    const { code, stdout } = await reelport(['measure', unreadable.name, '--data', served.config.data])
    t.strictSame([code, stdout], [0, 'measured again: Zwölf Stunden (2016)\n'], 'from the command line, in vain')
    delete served.demo.faults.answers[unreadable.target]
    await page.getByRole('button', { name: /^Measure again/ }).click()
    await page.getByText(/\/Movies\/Zwölf Stunden/).waitFor()
    t.equal(await page.getByRole('button', { name: /^Measure again/ }).count(), 0)
    t.strictSame(faults, [])
    const published = await reelport(['measure', unreadable.name, '--data', served.config.data])
    t.match(published.stderr, /nothing of it is left to be measured/)
    await page.context().close()
  })

  await t.test('it is said which channel had trouble, and why', async t => {
    const lineup = (await (await fetch(`${url}/lineup.json`)).json()) as readonly { GuideName: string; URL: string }[]
    const news = lineup.find(({ GuideName }) => GuideName === 'Harbour News')!
    served.demo.faults.answers['live/*'] = { status: 403 }
    t.not((await fetch(news.URL)).status, 200)
    const { page, faults } = await openPage(browser, url)
    await show(page, url, 'live')
    await page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: 'Harbour News' }) })
      .getByText(/status 403/)
      .first()
      .waitFor()
    t.strictSame(faults, [])
    delete served.demo.faults.answers['live/*']
    await page.context().close()
  })

  await t.test('a channel is renamed, disabled and tested', async t => {
    const { page, faults } = await openPage(browser, url, { extraHTTPHeaders: bearer })
    await show(page, url, 'channels')
    await page.getByRole('button', { name: 'Rename Harbour News' }).click()
    await page.getByRole('textbox', { name: 'New name' }).fill('Harbour <b>Morning</b>')
    await page.keyboard.press('Enter')
    await page.getByRole('rowheader', { name: 'Harbour <b>Morning</b>' }).waitFor()
    await page.getByRole('button', { name: 'Test Weather Round the Clock' }).click()
    await page
      .locator('tr', { hasText: 'Weather Round the Clock' })
      .getByText(/works, \d+ ms/)
      .waitFor()
    await page.getByRole('button', { name: 'Disable Lantern One' }).click()
    await page.locator('tr', { hasText: 'Lantern One' }).getByText('disabled').waitFor()
    const lineup = (await (await fetch(`${url}/lineup.json`)).json()) as readonly { GuideName: string }[]
    t.notOk(lineup.some(({ GuideName }) => GuideName === 'Lantern One'))
    t.ok(lineup.some(({ GuideName }) => GuideName === 'Harbour <b>Morning</b>'))
    t.strictSame(faults, [])
    await page.context().close()
  })

  await t.test('what is to be copied can be, also where scripts have no clipboard', async t => {
    const far = new URL(url)
    far.hostname = 'tv.example' // plain http, from another machine
    const { page, faults } = await openPage(browser, far.origin, { extraHTTPHeaders: bearer })
    await show(page, far.origin, 'mount')
    t.equal(await page.evaluate('navigator.clipboard'), undefined)
    await page.getByRole('button', { name: 'Copy: Mount command' }).click()
    await page.locator('.said', { hasText: 'Copied.' }).waitFor()
    await page.locator('#menu a', { hasText: 'Channels' }).click()
    const field = page.getByRole('searchbox')
    await field.focus()
    t.equal(await page.locator('.said').innerText(), '', 'what was said of one page is not said on the next')
    await page.keyboard.press('Control+V')
    t.match(await field.inputValue(), /^mount -t nfs -o /)
    t.strictSame(faults, [])
    await page.context().close()
  })

  await t.test('who may not do something is sent to where one signs in', async t => {
    const { page } = await openPage(browser, url)
    await show(page, url, 'sync')
    await page.getByRole('button', { name: 'Sync now' }).click()
    await page.waitForURL('**/sign-in?to=*')
    t.equal(new URL(page.url()).searchParams.get('to'), '/#/sync')
    await page.context().close()
  })

  await t.test('from an account to a configuration that loads', async t => {
    const { page, faults } = await openPage(browser, url, { extraHTTPHeaders: bearer })
    const { demo, directory, tail } = { ...here, demo: served.demo }
    const password = demo.credentials.password.reveal()
    await show(page, url, 'setup')
    await page.getByLabel('Server', { exact: true }).fill(demo.url)
    await page.getByRole('textbox', { name: 'User name' }).fill(demo.credentials.username.reveal())
    await page.getByLabel('Password', { exact: true }).fill('wrong')
    await page.getByRole('button', { name: 'Sign in to the provider' }).click()
    await page.locator('.said', { hasText: 'did not work' }).waitFor()
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Sign in to the provider' }).click()
    await page.getByText(/Categories of movies/).waitFor()
    await page.getByRole('button', { name: /Save it as/ }).click()
    await page.getByText('saved', { exact: true }).waitFor()
    const file = join(directory, 'reelport.yaml')
    t.equal(statSync(file).mode & 0o777, 0o600)
    const [account] = loadConfig({ cwd: directory, env: {} }).accounts
    t.match(account, { type: 'xtream', hosts: [demo.url] })
    t.equal(account?.password?.reveal(), password)
    const lines = await (await fetch(`${url}/api/logs?level=debug&limit=1000`)).text()
    t.ok(tail.written > 0 && lines.length > 100)
    t.notOk(lines.includes(password), 'and the log does not know it')
    t.strictSame(
      faults.filter(fault => !/status of 422/.test(fault)),
      [],
    )
    await page.context().close()
  })

  await t.test('without scripts there are the mount commands', async t => {
    const { page } = await openPage(browser, url, { javaScriptEnabled: false })
    await page.goto(url)
    await page.waitForURL('**/plain')
    t.match(await page.locator('pre').first().innerText(), /mount -t nfs/)
    await page.context().close()
  })

  await t.test('a person signs in, changes something, and signs out', async t => {
    const { data } = served.config
    await keepPassword(data, new Secret('correct horse'), 'command')
    const { page, faults } = await openPage(browser, url)
    await page.goto(url)
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.locator('.link.on').waitFor()
    await show(page, url, 'sync')
    await page.getByRole('button', { name: 'Sync now' }).click()
    await page.locator('.said', { hasText: 'A sync has begun.' }).waitFor()
    const other = await page.context().newPage()
    await show(other, url, 'overview')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/sign-in?to=*')
    await other.waitForURL('**/sign-in?to=*')
    const status = await page.request.get(`${url}/api/status`)
    t.equal(status.status(), 401)
    t.strictSame(faults, [])
    await page.context().close()
    removePassword(data)
  })

  await t.test('a page that was left alone comes back by itself', async t => {
    const { page } = await openPage(browser, url)
    await show(page, url, 'overview')
    await served.stop()
    await page.getByText('Connecting …').waitFor()
    await served.start()
    await page.locator('.link.on').waitFor()
    t.match(await page.locator('main').innerText(), /Films\s+\d/)
    await show(page, url, 'sync')
    const syncs = page.getByRole('region', { name: 'Syncs so far' }).getByRole('row')
    await syncs.getByText('complete').first().waitFor()
    await page.context().close()
  })
})

interface Found {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}
