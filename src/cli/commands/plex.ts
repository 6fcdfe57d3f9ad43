import { setTimeout as delay } from 'node:timers/promises'
import { linkPlex, type PlexAnswer, type PlexRun, type PlexStatus, type Status } from '../../app/index.ts'
import { systemClock } from '../../lib/clock.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { describeReport } from '../run-report.ts'
import { type RunningServer, requireServer } from '../running-server.ts'
import { version } from '../version.ts'

const pollMs = 500

/** Tells the running server to set Plex up, or says how it is: the server watches it from then on. */
export const plexCommand: Command = {
  name: 'plex',
  usage: '[setup [--dry-run] | status | remove | manual | link]',
  summary:
    'Give a Plex Media Server our tuners, guides, channels and libraries, or say how it is; link signs in to it.',
  flags: [
    { name: 'dry-run', help: 'Only print what setup would do.' },
    { name: 'server', value: 'NAME', help: 'Only this server, of several.' },
    ...configFlags,
  ],
  async run(context) {
    const config = loadFor(context)
    const what = context.args[0] ?? 'status'
    const dryRun = context.flags['dry-run'] === true
    const only = typeof context.flags.server === 'string' ? context.flags.server : undefined
    switch (what) {
      case 'link':
        return signIn(context)
      case 'setup':
        return finish(requireServer(config.data), dryRun ? 'plan' : 'setup', context)
      case 'remove':
        if (dryRun)
          throw new CommandError('--dry-run is for setup: remove takes away what "plex status" lists', exitCode.usage)
        return finish(requireServer(config.data), 'remove', context)
      case 'manual': {
        const answer = await requireServer(config.data).post('/api/plex', { do: 'manual' }, context.signal)
        const { text } = answer as { text: string }
        context.out.write(context.json ? `${JSON.stringify({ text })}\n` : text)
        return exitCode.ok
      }
      case 'status': {
        const { plex } = (await requireServer(config.data).get('/api/status', context.signal)) as Status
        const shown = plex?.filter(({ name }) => only === undefined || name === only) ?? []
        if (shown.length === 0) throw new CommandError(noServer(only, plex))
        context.out.write(context.json ? `${JSON.stringify(shown, null, 2)}\n` : shown.map(describe).join(''))
        return shown.some(({ isWell }) => isWell === false) ? exitCode.failed : exitCode.ok
      }
      default:
        throw new CommandError(`Nothing known as "plex ${what}": setup, status, remove, manual or link`, exitCode.usage)
    }
  },
}

async function signIn(context: CommandContext): Promise<number> {
  const show = (code: string) =>
    void context.err.write(`Open https://plex.tv/link and enter the code ${code} within 15 minutes.\n`)
  try {
    await linkPlex(loadFor(context), { version, clock: systemClock, show }, context.signal)
  } catch (error) {
    if ((error as Error).name === 'PlexError')
      throw new CommandError((error as Error).message, exitCode.unavailable, { cause: error })
    throw error
  }
  context.out.write(context.json ? '{"linked":true}\n' : 'Linked. The token is kept in the data directory.\n')
  return exitCode.ok
}

function noServer(name: string | undefined, plex: Status['plex']): string {
  if (plex === undefined) return 'No Plex server is configured: set plex.url, such as http://192.168.1.10:32400'
  return `No Plex server is called "${name}"; known: ${plex.map(({ name }) => name).join(', ')}`
}

/** Begins a run at each server that is meant and follows them to their end, each step as it is taken. */
async function finish(server: RunningServer, work: PlexRun['work'], context: CommandContext): Promise<number> {
  const { signal, flags } = context
  const body = { do: work, ...(typeof flags.server === 'string' && { server: flags.server }) }
  const begun = (await server.post('/api/plex', body, signal)) as Extract<PlexAnswer, { runs: unknown }>
  const shown = new Map<string, number>()
  for (; ; await delay(pollMs, undefined, { signal })) {
    const { plex } = (await server.get('/api/status', signal)) as Status
    const runs = begun.runs.map(({ name, run: number }) => {
      const run = plex?.find(status => status.name === name)?.run
      if (run === undefined || run.number !== number) throw new CommandError('The server was restarted in between')
      if (!context.json) for (const line of run.lines.slice(shown.get(name))) context.err.write(`${line}\n`)
      shown.set(name, run.lines.length)
      return { name, ...run }
    })
    if (!runs.some(({ isRunning }) => isRunning)) return conclude(runs, work, context)
  }
}

type NamedRun = PlexRun & { readonly name: string }

function conclude(runs: readonly NamedRun[], work: PlexRun['work'], { out, err, json }: CommandContext): number {
  const nothing = work === 'remove' ? 'Nothing of ours is there.' : 'Plex has everything already.'
  if (json)
    out.write(
      `${JSON.stringify(
        runs.map(({ name, report, failure }) => ({ name, report, failure })),
        null,
        2,
      )}\n`,
    )
  for (const { name, report, failure } of runs) {
    if (failure !== undefined) err.write(`reelport: ${name}: ${failure}\n`)
    else if (!json)
      out.write(`${runs.length > 1 ? `${name}:\n` : ''}${describeReport(report!, work === 'plan', nothing)}`)
  }
  if (runs.some(({ failure }) => failure !== undefined)) return exitCode.unavailable
  const isUndone = runs.some(({ report }) => report!.failed.length + report!.left.length > 0)
  return work !== 'plan' && isUndone ? exitCode.failed : exitCode.ok
}

function describe({
  host,
  isSetUp,
  server,
  lookedAt,
  isWell,
  problems,
  advice,
  tuners,
  repairs,
  scans,
}: PlexStatus): string {
  const how =
    isWell === undefined
      ? 'not looked at yet'
      : `${isWell ? 'as it should be' : 'not as it should be'}, ${new Date(lookedAt!).toISOString()}`
  return [
    `${server === undefined ? 'Plex' : `${server.name}, version ${server.version},`} at ${host}: ${how}`,
    isSetUp ? `It is watched; ${repairs} repairs since the start.` : 'It was not set up: reelport plex setup',
    ...tuners.map(
      ({ name, deviceId, channels, mapped }) => `  ${name} (${deviceId}): ${mapped} of ${channels} channels mapped`,
    ),
    ...(scans.waiting > 0 ? [`  ${scans.waiting} folders wait to be scanned`] : []),
    ...(scans.dropped > 0 ? [`  ${scans.dropped} folders were too many and are left to Plex's own next scan`] : []),
    ...(scans.lastFailure === undefined ? [] : [`  scans: ${scans.lastFailure}`]),
    ...problems.map(problem => `  ${problem}`),
    ...advice.map(advice => `  note: ${advice}`),
    '',
  ].join('\n')
}
