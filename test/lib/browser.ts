import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import type { Test } from 'tap'
import { findProgram } from './programs.ts'

/** A real browser, told to ask nobody for anything by itself. `hosts` are names that lead to this machine. Closed with the test. */
export async function openBrowser(t: Test, hosts: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium')!,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync'],
      `--host-resolver-rules=${hosts.map(host => `MAP ${host} 127.0.0.1`).join(',')}`,
    ],
  })
  t.teardown(() => browser.close())
  return browser
}

/** A page, and everything about it that should not be. */
export interface WatchedPage {
  readonly page: Page
  /** Errors on the console, uncaught ones, and requests to other hosts. Empty when all is well. */
  readonly faults: string[]
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context: BrowserContext = await browser.newContext(options)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type()))
      faults.push(`console: ${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', error => faults.push(`uncaught: ${error.message}`))
  page.on('request', request => {
    if (new URL(request.url()).origin !== new URL(url).origin) faults.push(`asked ${request.url()}`)
  })
  return { page, faults }
}
