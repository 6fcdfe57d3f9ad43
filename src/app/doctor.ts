import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { listenError } from '../lib/listen-error.ts'
import { silentLog } from '../lib/log.ts'
import { formatSize } from '../lib/units.ts'
import { findTools } from '../media/index.ts'
import { openAccount } from '../provider/index.ts'
import { accountOptions } from './account-options.ts'
import { demoDirectory } from './demo.ts'
import { findInstance } from './instance.ts'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  readonly result: 'ok' | 'warning' | 'failed'
  /** What was found. */
  readonly detail: string
  /** What would be right, where something is not. */
  readonly hint?: string
}

/** Tests all that a server with this configuration needs, without changing anything. Yields each check as it is done. */
export async function* runChecks(config: Config, signal: AbortSignal): AsyncIterable<Check> {
  const running = findInstance(config.data) ?? findInstance(demoDirectory(config.data))
  if (config.accounts.length === 0) {
    yield {
      name: 'account',
      result: 'warning',
      detail: 'none is configured',
      hint: 'Add one to reelport.yaml ("reelport config example"), or try "reelport demo"',
    }
  }
  for (const account of config.accounts) yield await checkAccount(account, signal)
  yield await checkTools(config, signal)
  yield checkDirectory('data directory', config.data)
  yield checkDirectory('cache directory', config.cache.directory)
  yield checkSpace(config)
  if (running !== undefined) {
    const { nfsHost, nfsPort, httpUrl } = running.note
    yield {
      name: 'ports',
      result: 'ok',
      detail: `a server of this data directory has ${nfsHost}:${nfsPort} and ${httpUrl}`,
    }
    return
  }
  yield await checkPort('NFS port', 'nfs', config.nfs)
  yield await checkPort('HTTP port', 'http', config.http)
  yield await checkPortmap(config)
}

async function checkAccount(options: Config['accounts'][number], signal: AbortSignal): Promise<Check> {
  const name = `account ${options.id}`
  await using account = openAccount(accountOptions(options), { log: silentLog })
  try {
    const { maxConnections, connectionsInUse, expiresAt, host, active, state } = await account.status(signal)
    const until = expiresAt === undefined ? 'without an end' : `until ${new Date(expiresAt).toISOString().slice(0, 10)}`
    const connections =
      maxConnections === undefined ? '' : `, ${connectionsInUse ?? 0} of ${maxConnections} connections in use`
    const detail = `${state ?? 'works'} at ${host}, ${until}${connections}`
    return active ? { name, result: 'ok', detail } : { name, result: 'failed', detail, hint: 'Ask the provider' }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { name, result: 'failed', detail: (error as Error).message, hint: 'Check hosts, username and password' }
  }
}

async function checkTools({ media }: Config, signal: AbortSignal): Promise<Check> {
  const name = 'ffmpeg and ffprobe'
  try {
    const { ffmpeg, ffprobe } = await findTools({ ...media, signal })
    const detail = [ffmpeg, ffprobe].map(({ name, version, path, source }) => `${name} ${version} (${source}: ${path})`)
    return { name, result: 'ok', detail: detail.join(', ') }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    return { name, result: 'failed', detail: (error as Error).message, hint: 'Install ffmpeg, or set media.ffmpeg' }
  }
}

function checkDirectory(name: string, directory: string): Check {
  const trial = join(directory, '.writable')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(trial, '')
    rmSync(trial)
    return { name, result: 'ok', detail: `${directory} can be written` }
  } catch (error) {
    const hint = 'Choose a directory that this user may write to, or change its owner'
    return { name, result: 'failed', detail: `${directory}: ${(error as Error).message}`, hint }
  }
}

function checkSpace({ cache }: Config): Check {
  const name = 'cache space'
  try {
    const { bavail, bsize } = statfsSync(cache.directory)
    const free = bavail * bsize
    const detail = `${formatSize(free)} free, up to ${formatSize(cache.budgetBytes)} wanted`
    if (free > cache.budgetBytes + cache.reserveBytes) return { name, result: 'ok', detail }
    const hint = `The cache will stop ${formatSize(cache.reserveBytes)} (cache.reserve) short of a full disk; lower cache.budget, or give it a larger one`
    return { name, result: 'warning', detail, hint }
  } catch (error) {
    return { name, result: 'warning', detail: `unknown: ${(error as Error).message}` }
  }
}

async function checkPort(
  name: string,
  section: string,
  { host, port }: { host: string; port: number },
): Promise<Check> {
  const error = await tryListen(host, port)
  if (error === undefined) return { name, result: 'ok', detail: `${host}:${port} is free` }
  const { message } = listenError(error, { what: `The ${section.toUpperCase()} server`, host, port, section }) as Error
  return { name, result: 'failed', detail: message }
}

async function checkPortmap({ nfs }: Config): Promise<Check> {
  const name = 'port mapper'
  if (nfs.portmap === 'off') return { name, result: 'ok', detail: 'off: clients name the ports, as printed below' }
  const error = await tryListen(nfs.host, 111)
  const code = (error as { code?: string } | undefined)?.code
  if (error === undefined)
    return { name, result: 'ok', detail: 'port 111 is free: "showmount" and mounts without ports will work' }
  if (code === 'EADDRINUSE')
    return { name, result: 'ok', detail: 'one runs on port 111: the server registers with it if it may' }
  const detail = `port 111 is not to be had (${code}): clients name the ports, as printed below`
  return { name, result: nfs.portmap === 'auto' ? 'ok' : 'failed', detail }
}

function tryListen(host: string, port: number): Promise<Error | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
