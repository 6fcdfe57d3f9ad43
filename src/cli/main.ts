import { parseArgs } from 'node:util'
import { ConfigError, reportProblems } from '../config/index.ts'
import { type Command, helpFor, parseOptions } from './command.ts'
import { catCommand } from './commands/cat.ts'
import { channelsCommand } from './commands/channels.ts'
import { configCommand } from './commands/config.ts'
import { doctorCommand } from './commands/doctor.ts'
import { guideCommand } from './commands/guide.ts'
import { jellyfinCommand } from './commands/jellyfin.ts'
import { lsCommand } from './commands/ls.ts'
import { passwordCommand } from './commands/password.ts'
import { plexCommand } from './commands/plex.ts'
import { queueCommand } from './commands/queue.ts'
import { demoCommand, serveCommand, startCommand } from './commands/serve.ts'
import { statusCommand } from './commands/status.ts'
import { syncCommand } from './commands/sync.ts'
import { webhooksCommand } from './commands/webhooks.ts'
import { CommandError, exitCode } from './exit-code.ts'
import { version } from './version.ts'

const commands: readonly Command[] = [
  startCommand,
  serveCommand,
  demoCommand,
  syncCommand,
  queueCommand,
  channelsCommand,
  guideCommand,
  plexCommand,
  jellyfinCommand,
  webhooksCommand,
  passwordCommand,
  lsCommand,
  catCommand,
  statusCommand,
  doctorCommand,
  configCommand,
]

/** One Ctrl-C reaches us twice: from the terminal, and by way of npm. */
const samePressMs = 500

process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  process.exit(exitCode.ok) // whoever read it has seen enough, as in `reelport ls | head`
})
process.exitCode = await main(process.argv.slice(2))

/** Runs one command line and resolves to its exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') return help(rest[0])
  if (name === 'version' || name === '--version') {
    process.stdout.write(`reelport ${version}\n`)
    return exitCode.ok
  }
  const command = commands.find(known => known.name === name)
  if (command === undefined) return complain(`No command "${name}". ${known()}`, exitCode.usage)
  const stop = stopOnSignals()
  try {
    const { values, positionals } = parseArgs({
      args: rest,
      options: parseOptions(command.flags),
      allowPositionals: true,
    })
    if (values.help) {
      process.stdout.write(helpFor(command))
      return exitCode.ok
    }
    return await command.run({
      args: positionals,
      flags: values as Record<string, string | boolean | undefined>,
      env: process.env,
      cwd: process.cwd(),
      signal: stop.signal,
      out: process.stdout,
      err: process.stderr,
      json: values.json === true,
    })
  } catch (error) {
    return failed(error, command, stop.signal)
  }
}

/** Aborted by the first SIGINT or SIGTERM; the second ends the process, unless it is the first one passed on by npm. */
function stopOnSignals(): AbortController {
  const stop = new AbortController()
  let since = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted && performance.now() - since > samePressMs) process.exit(exitCode.failed)
      since = performance.now()
      stop.abort(new Error(`${signal} received`))
    })
  }
  return stop
}

function failed(error: unknown, command: Command, signal: AbortSignal): number {
  if (signal.aborted && error === signal.reason) return 130
  if (error instanceof CommandError) return complain(error.message, error.exitCode)
  if (error instanceof ConfigError) return complain(reportProblems(error.problems), exitCode.configuration)
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')) {
    return complain(`${(error as Error).message}\nSee: reelport ${command.name} --help`, exitCode.usage)
  }
  process.stderr.write(`reelport: unexpected error\n`)
  console.error(error)
  return exitCode.bug
}

function help(name: string | undefined): number {
  const command = commands.find(known => known.name === name)
  if (command !== undefined) process.stdout.write(helpFor(command))
  else if (name !== undefined) return complain(`No command "${name}". ${known()}`, exitCode.usage)
  else {
    const width = Math.max(...commands.map(({ name }) => name.length))
    process.stdout.write(
      [
        `reelport ${version}: an IPTV provider's films and series as files over NFS, and its channels as a tuner`,
        '',
        ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
        '',
        'reelport COMMAND --help shows a command’s flags.',
        '',
      ].join('\n'),
    )
  }
  return exitCode.ok
}

function known(): string {
  return `Known: ${commands.map(({ name }) => name).join(', ')}.`
}

function complain(message: string, code: number): number {
  process.stderr.write(`reelport: ${message}\n`)
  return code
}
