import { setTimeout as delay } from 'node:timers/promises'
import type { Status, SyncReport } from '../../app/index.ts'
import { formatDuration } from '../../lib/units.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { requireServer, type ServerApi, serverAt } from '../running-server.ts'

const pollMs = 500

/** Tells the running server to sync now and waits for the outcome: the catalogue has one writer, and it is the server's. */
export const syncCommand: Command = {
  name: 'sync',
  usage: '[--account ID] [--accept-shrinking] [--server URL]',
  summary: 'Bring the catalogue of the running server up to date with its providers, now.',
  flags: [
    { name: 'account', value: 'ID', help: 'Only this account.' },
    { name: 'accept-shrinking', help: 'Believe a list that has fewer than half of what was known.' },
    {
      name: 'server',
      value: 'URL',
      help: 'Where it is, when not on this machine: http.token or its data directory are shared with it.',
    },
    ...configFlags,
  ],
  async run(context) {
    const config = loadFor(context)
    const { account, server: url } = context.flags
    const server = typeof url === 'string' ? serverAt(url, config) : requireServer(config.data)
    const acceptShrinking = context.flags['accept-shrinking'] === true
    const body = { acceptShrinking, ...(typeof account === 'string' && { account }) }
    const { run } = (await server.post('/api/sync', body, context.signal)) as { run: number }
    const reports = await finished(server, run, context)
    const text = context.json ? JSON.stringify(reports, null, 2) : reports.map(describe).join('\n')
    context.out.write(`${text}\n`)
    const failed = reports.some(({ sections }) => sections.some(({ outcome }) => outcome === 'failed'))
    return failed ? exitCode.unavailable : exitCode.ok
  },
}

/** Follows a run to its end, showing on standard error where it is. */
async function finished(server: ServerApi, run: number, context: CommandContext): Promise<readonly SyncReport[]> {
  for (let shown = ''; ; await delay(pollMs, undefined, { signal: context.signal })) {
    const { sync } = (await server.get('/api/status', context.signal)) as Status
    const { running, progress, last } = sync
    if (!running.includes(run)) {
      if (last === undefined || last.number < run) throw new CommandError('The server was restarted during the sync')
      if ('failure' in last) throw new CommandError(`The sync failed: ${last.failure}`, exitCode.unavailable)
      return last.reports
    }
    const text = progress === undefined ? 'syncing …' : progressText(progress)
    if (!context.json && text !== shown) context.err.write(`${text}\n`)
    shown = text
  }
}

function progressText({ accountId, part, done, total }: NonNullable<Status['sync']['progress']>): string {
  return `${accountId}: ${part} ${done}${total === undefined ? '' : ` of ${total}`}`
}

function describe({ accountId, startedAt, finishedAt, sections, episodes, warnings }: SyncReport): string {
  const lines = sections.map(({ section, outcome, message, listed, added, updated, missing, rejected }) =>
    outcome === 'failed'
      ? `  ${section}: failed: ${message}; what was known stays`
      : `  ${section}: ${listed} listed, ${added} new, ${updated} changed, ${missing} gone, ${rejected} unusable${
          outcome === 'complete' ? '' : ` (${message ?? outcome})`
        }`,
  )
  if (episodes.due > 0) {
    const { fetched, due, added, failed } = episodes
    lines.push(
      `  episodes: ${fetched} of ${due} shows fetched, ${added} new${failed > 0 ? `, ${failed} shows failed` : ''}`,
    )
  }
  const notes = warnings.map(warning => `  note: ${warning}`)
  return [`${accountId}, in ${formatDuration(finishedAt - startedAt)}:`, ...lines, ...notes].join('\n')
}
