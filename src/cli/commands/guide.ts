import type { GuideReport } from '../../app/index.ts'
import { formatSize } from '../../lib/units.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { requireServer } from '../running-server.ts'

/** Channels without programmes that are named, before the rest is counted. */
const maxNamed = 50

export const guideCommand: Command = {
  name: 'guide',
  usage: '[check | refresh]',
  summary:
    'The programme guide: where it is from, which channels have none and what they may be called there; or read it again.',
  flags: configFlags,
  async run(context) {
    const server = requireServer(loadFor(context).data)
    switch (context.args[0] ?? 'check') {
      case 'check': {
        const report = (await server.get('/api/guide', context.signal)) as GuideReport
        context.out.write(context.json ? `${JSON.stringify(report, null, 2)}\n` : describe(report))
        return report.sources.some(({ error }) => error !== undefined) ? exitCode.failed : exitCode.ok
      }
      case 'refresh': {
        const answer = await server.post('/api/guide/refresh', {}, context.signal)
        context.out.write(context.json ? `${JSON.stringify(answer, null, 2)}\n` : 'The guides are being read again.\n')
        return exitCode.ok
      }
      default:
        throw new CommandError(`Nothing known as "guide ${context.args[0]}": check or refresh`, exitCode.usage)
    }
  },
}

function describe({ builtAt, sources, channels }: GuideReport): string {
  const linked = channels.filter(({ links }) => links.length > 0)
  const without = channels.filter(({ links, pruned }) => links.length === 0 && pruned !== 'dead')
  return [
    builtAt === undefined ? 'There was no guide yet.' : `Laid out ${new Date(builtAt).toISOString()}.`,
    ...sources.map(({ name, bytes, channels, programmes, linked, used, error }) =>
      error === undefined
        ? `${name}: ${formatSize(bytes)}, ${channels} channels, ${programmes} programmes; ${linked} channels of ours, ${used} programmes used`
        : `${name}: ${error}`,
    ),
    `${linked.length} of ${channels.length} channels were found in a guide.`,
    ...without.slice(0, maxNamed).map(({ number, name, suggestions }) => {
      const meant = suggestions.map(({ key }) => key).join(', ')
      return `  ${number}  ${name}${meant === '' ? '' : `: perhaps ${meant}`}`
    }),
    ...(without.length > maxNamed ? [`  and ${without.length - maxNamed} more; --json names all`] : []),
    '',
  ].join('\n')
}
