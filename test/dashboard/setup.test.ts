import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { keepPassword } from '../../src/access/index.ts'
import { demoDirectory as demoIn } from '../../src/app/index.ts'
import { Secret } from '../../src/lib/secret.ts'
import { openBrowser, openPage } from '../lib/browser.ts'
import { freePorts } from '../lib/crashing.ts'
import { demoDirectory as sharedMedia, startDemo } from '../lib/demo.ts'
import { connectNfs, titleFiles } from '../lib/nfs-client.ts'
import { without } from '../lib/programs.ts'
import { startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/** A person, a server that nobody configured, and a provider. */

t.test('from nothing to a library that can be mounted', { skip: without('chromium', 'ffmpeg') }, async t => {
  await using provider = await startDemo()
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'reelport-setup-')))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const data = join(directory, 'data')
  mkdirSync(demoIn(data), { recursive: true, mode: 0o700 })
  symlinkSync(sharedMedia, join(demoIn(data), 'media')) // its films are made already
  await keepPassword(demoIn(data), new Secret('correct horse'), 'command')
  const [nfsPort, httpPort] = (await freePorts()) as [number, number]
  const args = [
    ...['--data', data, '--nfs-host', '127.0.0.1', '--nfs-port', `${nfsPort}`, '--nfs-portmap', 'off'],
    ...['--http-host', '127.0.0.1', '--http-port', `${httpPort}`, '--tuner-discovery', 'off', '--cache-reserve', '0'],
  ]
  await using server = startServer(args, { command: 'start', cwd: directory })
  await server.ready

  const url = `http://127.0.0.1:${httpPort}`
  const browser = await openBrowser(t)
  const { page } = await openPage(browser, `${url}/#/setup`)
  await page.goto(`${url}/sign-in?to=${encodeURIComponent('/#/setup')}`)
  await page.getByLabel('Password').fill('correct horse')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('Server', { exact: true }).fill(provider.url)
  await page.getByRole('textbox', { name: 'User name' }).fill(provider.credentials.username.reveal())
  await page.getByLabel('Password', { exact: true }).fill(provider.credentials.password.reveal())
  await page.getByRole('button', { name: 'Sign in to the provider' }).click()
  await page.getByRole('button', { name: /Save it as/ }).click()

  await page.getByRole('heading', { name: 'Mount it' }).waitFor()
  t.equal(await page.evaluate('document.activeElement.tagName'), 'H1', 'the focus is where the page begins')
  t.match(
    await page.getByRole('region', { name: 'Mount command' }).innerText(),
    new RegExp(`mount -t nfs .*port=${nfsPort}.* 127\\.0\\.0\\.1:/ /mnt`),
  )
  const films = page.locator('.figure', { hasText: 'Films' }).locator('dd')
  await until('the films of the account', async () => Number(await films.innerText()) > 0)
  const files = page.locator('.figure', { hasText: 'Files here' }).locator('dd')
  await until('its first file', async () => Number(await files.innerText()) > 0)
  t.equal(statSync(join(directory, 'reelport.yaml')).mode & 0o777, 0o600)
  await using mounted = await connectNfs(nfsPort)
  t.ok(titleFiles(await mounted.walk()).length > 0, 'and clients see it')
  t.ok(provider.requests('movie', 'series').length > 0, 'and it is the account’s')

  await page.reload()
  await page.getByRole('heading', { name: 'Mount it' }).waitFor()
  await page.goto(`${url}/#/sync`)
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page.locator('.said', { hasText: 'A sync has begun.' }).waitFor()
  t.match(page.url(), /#\/sync$/, 'who signed in still is')

  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
})
