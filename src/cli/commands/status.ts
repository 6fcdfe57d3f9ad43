import type { Status, TitleStatus } from '../../app/index.ts'
import { formatDuration, formatSize } from '../../lib/units.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { exitCode } from '../exit-code.ts'
import { requireServer } from '../running-server.ts'

export const statusCommand: Command = {
  name: 'status',
  usage: '[TEXT]',
  summary: 'What is served, cached, measured and synced; with a text, the titles that match, and why one is missing.',
  flags: configFlags,
  async run(context) {
    const server = requireServer(loadFor(context).data)
    const [text] = context.args
    if (text !== undefined) {
      const query = new URLSearchParams({ q: text })
      const found = (await server.get(`/api/titles?${query}`, context.signal)) as readonly TitleStatus[]
      context.out.write(context.json ? `${JSON.stringify(found, null, 2)}\n` : found.map(describeTitle).join(''))
      if (found.length === 0 && !context.json) context.err.write(`No title has "${text}" in its name.\n`)
      return found.length === 0 ? exitCode.failed : exitCode.ok
    }
    const status = (await server.get('/api/status', context.signal)) as Status
    context.out.write(context.json ? `${JSON.stringify(status, null, 2)}\n` : describe(status))
    return exitCode.ok
  },
}

function describe({ version, startedAt, nfs, accounts, catalog, sync, cache, sidecars, live }: Status): string {
  const rows: [string, string][] = [
    ['reelport', `${version}, running for ${formatDuration(Date.now() - startedAt)}`],
    [
      'NFS',
      `port ${nfs.port}, ${nfs.clients.length} clients, ${formatSize(nfs.bytesRead)} read, port mapper ${nfs.portmap.how}`,
    ],
    ['titles', `${catalog.titles.movie} films, ${catalog.titles.show} shows`],
    ...catalog.libraries.map(({ name, files }): [string, string] => [`/${name}`, `${files} files`]),
    ['sizes', `${catalog.waiting} to be learnt, ${catalog.failed} could not be${reasons(catalog.failures)}`],
    ...(catalog.toMake > 0
      ? [['to be made', `${catalog.toMake} titles; reelport queue lists them`] as [string, string]]
      : []),
    [
      'cache',
      `${formatSize(cache.bytesCached)} of ${formatSize(cache.budgetBytes)}, ${cache.fetches.length} fetches under way`,
    ],
    ...(sidecars.files > 0
      ? [
          [
            'pictures and subtitles',
            `${sidecars.files}, ${formatSize(sidecars.bytes)} of ${formatSize(sidecars.budgetBytes)}`,
          ] as [string, string],
        ]
      : []),
    ...accounts.map(({ id, slots }): [string, string] => {
      const used = Object.values(slots.inUse).reduce((sum, count) => sum + count, 0)
      return [`account ${id}`, `${used} of ${slots.limit} connections in use`]
    }),
    ['sync', syncText(sync)],
    ...(live?.devices ?? []).map(({ name, deviceId, channels }): [string, string] => [
      `tuner ${deviceId}`,
      `${name}, ${channels} channels`,
    ]),
    ...(live?.sessions ?? []).map(({ channel, viewers, upstream, failovers }): [string, string] => [
      `channel ${channel.number}`,
      `${channel.name}: ${viewers.length} viewers, from ${upstream?.name ?? 'nowhere at the moment'}${failovers > 0 ? `, ${failovers} changes of upstream` : ''}`,
    ]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const trouble = [...cache.lastFailures, ...(live?.failures ?? []).map(({ at, reason }) => ({ at, message: reason }))]
    .toSorted((a, b) => b.at - a.at)
    .slice(0, 5)
    .map(({ message, at }) => `  ${new Date(at).toISOString()}  ${message}\n`)
  return [
    ...rows.map(([name, text]) => `${name.padEnd(width)}  ${text}\n`),
    ...(trouble.length > 0 ? ['latest failures:\n', ...trouble] : []),
  ].join('')
}

function syncText({ running, progress, nextAt, last }: Status['sync']): string {
  if (progress !== undefined)
    return `${progress.accountId}: ${progress.part}, ${progress.done}${progress.total ? ` of ${progress.total}` : ''}`
  if (running.length > 0) return 'under way'
  const next =
    nextAt === undefined ? 'no further one scheduled' : `next in ${formatDuration(Math.max(0, nextAt - Date.now()))}`
  return `${last !== undefined && 'failure' in last ? `failed: ${last.failure}; ` : ''}${next}`
}

function reasons(failures: Readonly<Record<string, number>>): string {
  const list = Object.entries(failures).filter(([, count]) => count > 0)
  return list.length === 0 ? '' : ` (${list.map(([reason, count]) => `${reason} ${count}`).join(', ')})`
}

function describeTitle({ name, year, kind, streams }: TitleStatus): string {
  const lines = streams.map(({ state, path, size, season, number, reason, nextTryAt, streamReason, form }) => {
    const episode = season === null ? '' : `s${pad(season)}e${pad(number ?? 0)} `
    if (path !== null) return `    ${episode}${path} (${formatSize(size ?? 0)}${formText[form ?? 'file']})`
    if (state === 'to-make') return `    ${episode}${stateText[state]}: ${streamReason}`
    const next = nextTryAt === null ? '' : `; tried again in ${formatDuration(Math.max(0, nextTryAt - Date.now()))}`
    return `    ${episode}${stateText[state]}${reason === null ? '' : `: ${reason}`}${next}`
  })
  return [`${name}${year === null ? '' : ` (${year})`}, ${kind === 'movie' ? 'film' : 'show'}`, ...lines, ''].join('\n')
}

const stateText = {
  published: 'published',
  hidden: 'in no library: every filter leaves it out',
  waiting: 'waiting for its size',
  'to-make': 'waits to be made into a file',
  failed: 'its size could not be learnt',
  missing: 'the provider no longer lists it',
} satisfies Record<TitleStatus['streams'][number]['state'], string>

const formText = { file: '', instant: ', composed of HLS segments', made: ', made from its stream' }

const pad = (number: number) => String(number).padStart(2, '0')
