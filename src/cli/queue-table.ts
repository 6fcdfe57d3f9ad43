import type { QueueReport } from '../app/index.ts'
import { formatDuration, formatSize } from '../lib/units.ts'

type Entry = QueueReport['entries'][number]

const forText = {
  read: 'a reader',
  person: 'a person',
  'next-episode': 'next episode',
  policy: 'a policy',
} satisfies Record<Entry['origin'], string>

/** The queue as lines of text, columns aligned, each reason below its title. `now` is milliseconds since the epoch. */
export function queueTable({ entries, states, isPaused, resting }: QueueReport, now: number): string {
  const header = ['', 'number', 'state', 'for', 'progress']
  const rows = entries.map(entry => [
    String(entry.place),
    String(entry.variantId),
    entry.state,
    forText[entry.origin],
    progressOf(entry),
  ])
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map(row => row[column]!.length)))
  const line = (row: readonly string[], last: string) => {
    const cells = row.map((cell, at) => (at < 2 ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
    return `${[...cells, last].join('  ')}\n`
  }
  const blank = header.map(() => '')
  const table = entries.flatMap((entry, index) => {
    const reason = reasonOf(entry, now)
    return [line(rows[index]!, entry.title), ...(reason === undefined ? [] : [line(blank, `  ${reason}`)])]
  })
  return [...(table.length > 0 ? [line(header, 'title'), ...table, '\n'] : []), ...notes()].join('')

  function notes(): readonly string[] {
    const counts = Object.entries(states).filter(([, count]) => count > 0)
    const total = counts.reduce((sum, [, count]) => sum + count, 0)
    return [
      counts.length === 0
        ? 'The queue is empty.'
        : `${counts.map(([state, count]) => `${count} ${state}`).join(', ')}.`,
      ...(entries.length < total ? [`${entries.length} of ${total} are shown; --limit N says how many.`] : []),
      ...(isPaused ? ['Everything is paused but what is being read; "reelport queue resume" goes on.'] : []),
      ...resting.map(
        ({ accountId, until, reason }) =>
          `Account ${accountId} is left alone for ${formatDuration(Math.max(0, until - now))}: ${reason}.`,
      ),
    ].map(note => `${note}\n`)
  }
}

function progressOf({ progress }: Entry): string {
  if (progress === undefined) return ''
  const { stage, bytes, expectedBytes } = progress
  if (expectedBytes === undefined || expectedBytes <= 0) return `${stage} ${formatSize(bytes)}`
  return `${stage} ${Math.min(100, Math.floor((100 * bytes) / expectedBytes))}% of ${formatSize(expectedBytes)}`
}

function reasonOf({ state, reason, nextTryAt }: Entry, now: number): string | undefined {
  if (reason === undefined || nextTryAt === undefined) return reason
  const again = state === 'failed' ? 'tried again' : 'looked at again'
  return `${reason}; ${again} ${nextTryAt > now ? `in ${formatDuration(nextTryAt - now)}` : 'soon'}`
}
