import { join } from 'node:path'
import { carryAccess } from '../access/index.ts'
import type { Config } from '../config/index.ts'
import { type DemoDeps, type DemoOptions, type DemoProvider, startDemoProvider } from '../demo/index.ts'
import type { Logger } from '../lib/log.ts'
import { findTools } from '../media/index.ts'
import { lockDirectory } from './instance.ts'

/** A running demo provider, and the configuration of a server whose only account is there. */
export interface RunningDemo extends AsyncDisposable {
  readonly provider: DemoProvider
  readonly config: Config
}

/**
 * Starts the demo provider on this machine's loopback, its media below the data directory, made by ffmpeg the first time.
 *
 * @throws ToolError when there is no ffmpeg.
 */
export async function startDemo(
  config: Config,
  deps: Pick<DemoDeps, 'onProgress' | 'signal'> & { readonly log: Logger },
): Promise<RunningDemo> {
  const tools = await findTools({ ...config.media, ...(deps.signal && { signal: deps.signal }) })
  const directory = join(demoDirectory(config.data), 'media')
  const options: DemoOptions = { host: '127.0.0.1', port: 0, directory, hls: true }
  const provider = await startDemoProvider(options, { ...deps, tools })
  return {
    provider,
    config: demoConfig(config, provider),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  }
}

/** Where the demo keeps what it serves: apart from the catalogue of real accounts. */
export const demoDirectory = (data: string): string => join(data, 'demo')

/**
 * Lets whoever could sign in to the demo sign in to what is served in its place, where there is no password yet, and go on with the
 * same session. @throws InUseError, DataDirectoryError.
 */
export function succeedDemo(data: string): void {
  using _ = lockDirectory(data)
  carryAccess(demoDirectory(data), data)
}

/** `config` with the demo provider as its only account, and a catalogue and cache of its own. */
export function demoConfig(config: Config, { url, credentials }: Pick<DemoProvider, 'url' | 'credentials'>): Config {
  const data = demoDirectory(config.data)
  return {
    ...config,
    data,
    cache: { ...config.cache, directory: join(data, 'cache') },
    measure: { perSecond: 100, concurrency: 2 },
    accounts: [
      {
        id: 'demo',
        type: 'xtream',
        hosts: [url],
        ...credentials,
        userAgent: 'reelport',
        timeouts: { connectMs: 10_000, headersMs: 20_000, stallMs: 15_000, answerMs: 120_000 },
      },
    ],
  }
}
