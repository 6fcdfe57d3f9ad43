import { type App, type RunningDemo, startApp, startDemo, succeedDemo } from '../../app/index.ts'
import type { Config } from '../../config/index.ts'
import type { Logger } from '../../lib/log.ts'
import { LogTail } from '../../lib/log-tail.ts'
import { openLog } from '../../lib/logging.ts'
import { banner } from '../banner.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { explainStart } from '../explain-start.ts'
import { version } from '../version.ts'

/** Lines of each level that the dashboard can show. */
const tailLines = 500

export const serveCommand: Command = {
  name: 'serve',
  usage: '',
  summary: 'Serve the configured accounts over NFS.',
  flags: configFlags,
  async run(context) {
    const config = loadFor(context)
    if (config.demo) return await serveDemo(config, context)
    if (config.accounts.length === 0) {
      throw new CommandError(
        `No account is configured${config.file ? ` in ${config.file}` : ''}: add one ("reelport config example" shows how), or try "reelport demo"`,
        exitCode.configuration,
      )
    }
    return await serve(config, context)
  },
}

export const demoCommand: Command = {
  name: 'demo',
  usage: '',
  summary: 'Serve the built-in demo provider: a few real films and shows, made on first use.',
  flags: configFlags,
  run: context => serveDemo(loadFor(context), context),
}

export const startCommand: Command = {
  name: 'start',
  usage: '',
  summary: 'Serve the configured accounts, or the demo provider when there are none.',
  flags: configFlags,
  async run(context) {
    const config = loadFor(context)
    return config.demo || config.accounts.length === 0 ? await serveDemo(config, context) : await serve(config, context)
  },
}

/** Serves the demo; once somebody has set an account up on its page, that account in its place, on the same ports. */
async function serveDemo(config: Config, context: CommandContext): Promise<number> {
  const begun = beginLog(config)
  {
    await using demo = await beginDemo(config, context, begun)
    const ending = await run(demo.config, context, { ...begun, demoIn: context.cwd })
    if (ending !== 'configured') return codeOf(ending)
  }
  const configured = loadFor(context)
  try {
    succeedDemo(configured.data)
  } catch (error) {
    throw explainStart(error, configured)
  }
  return await serve(configured, context)
}

async function beginDemo(config: Config, context: CommandContext, { log }: Begun): Promise<RunningDemo> {
  try {
    return await startDemo(config, {
      log: log.child({ part: 'demo' }),
      onProgress: ({ clipsDone, clipsTotal, fraction }) =>
        void context.err.write(`demo: making films, ${clipsDone} of ${clipsTotal} (${Math.round(fraction * 100)} %)\n`),
      signal: context.signal,
    })
  } catch (error) {
    throw explainStart(error, config)
  }
}

async function serve(config: Config, context: CommandContext): Promise<number> {
  return codeOf(await run(config, context, beginLog(config)))
}

/** What was begun before the server. */
interface Begun {
  readonly log: Logger
  readonly tail: LogTail
  /** The demo is served: where a configuration would be. */
  readonly demoIn?: string
}

function beginLog({ log }: Config): Begun {
  const tail = new LogTail(tailLines)
  return { log: openLog({ ...log, tail }), tail }
}

/** Why a server does not run any more. */
type Ending = 'stopped' | 'configured' | Error

/** Runs until a signal, a fatal error, or of the demo a configuration. SIGHUP syncs. */
async function run(config: Config, context: CommandContext, { log, tail, demoIn }: Begun): Promise<Ending> {
  let app: App | undefined
  using _ = onHangup(() => void app?.sync().catch(() => {})) // the sync logs what went wrong
  try {
    app = await startApp({ config, version, ...(demoIn !== undefined && { demoIn }) }, { log, tail })
  } catch (error) {
    throw explainStart(error, config)
  }
  await using running = app
  context.out.write(context.json ? `${JSON.stringify(running.status())}\n` : banner(running, config, version))
  const stopped = new Promise<'stopped'>(resolve =>
    context.signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
  )
  const configured = running.configured.then(() => 'configured' as const)
  const ending = context.signal.aborted ? 'stopped' : await Promise.race([stopped, running.fatal, configured])
  if (ending === 'stopped') log.info({}, 'stopping')
  else if (ending === 'configured') log.info({}, 'an account is configured: it is served in place of the demo')
  else log.error({ error: ending }, 'cannot go on: ending, so that a supervisor starts it anew')
  return ending
}

/** Until disposed of. A signal that nobody listens to would end the process: while it starts and stops, there is somebody, too. */
function onHangup(listen: () => void): Disposable {
  process.on('SIGHUP', listen)
  return { [Symbol.dispose]: () => void process.off('SIGHUP', listen) }
}

const codeOf = (ending: Ending) => (ending instanceof Error ? exitCode.bug : exitCode.ok)
