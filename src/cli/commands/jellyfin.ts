import type { JellyfinAnswer } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { describeReport } from '../run-report.ts'
import { requireServer } from '../running-server.ts'

/** Prints what Jellyfin needs, or gives it to it. */
export const jellyfinCommand: Command = {
  name: 'jellyfin',
  usage: '[print | apply [--dry-run] | remove]',
  summary: 'Print how Jellyfin gets our tuners, guides and libraries, or apply it through its API.',
  flags: [{ name: 'dry-run', help: 'Only print what apply would do.' }, ...configFlags],
  async run(context) {
    const server = requireServer(loadFor(context).data)
    const what = context.args[0] ?? 'print'
    if (what !== 'print' && what !== 'apply' && what !== 'remove')
      throw new CommandError(`Nothing known as "jellyfin ${what}": print, apply or remove`, exitCode.usage)
    const isPlan = context.flags['dry-run'] === true
    if (isPlan && what !== 'apply') throw new CommandError('--dry-run is for apply', exitCode.usage)
    const answer = (await server.post(
      '/api/jellyfin',
      { do: isPlan ? 'plan' : what },
      context.signal,
    )) as JellyfinAnswer
    if (context.json) context.out.write(`${JSON.stringify(answer, null, 2)}\n`)
    else if ('text' in answer) context.out.write(answer.text)
    else {
      const nothing = what === 'remove' ? 'Nothing of ours is there.' : 'Jellyfin has everything already.'
      context.out.write(describeReport(answer.report, isPlan, nothing))
    }
    if ('text' in answer || isPlan) return exitCode.ok
    const { failed, left } = answer.report
    return failed.length + left.length > 0 ? exitCode.failed : exitCode.ok
  },
}
