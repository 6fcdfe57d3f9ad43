import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { requireServer } from '../running-server.ts'
import { type Naming, streamsNamed } from '../title-names.ts'

/** Streams that wait for another try, published ones whose bytes are known to have changed among them. */
const waiting: Naming = {
  isMeant: ({ state, reason }) =>
    state === 'failed' || state === 'waiting' || (state === 'published' && reason !== null),
  ifNone: 'nothing of it is left to be measured',
}

export const measureCommand: Command = {
  name: 'measure',
  usage: 'NAME…',
  summary:
    'Try again now to measure what could not be. A NAME is a number, a path, or words such as "Harbour Lights (2019)".',
  flags: configFlags,
  async run(context) {
    const { args, signal, json, out } = context
    if (args.length === 0)
      throw new CommandError('"measure" needs a number, a path, or words of a title', exitCode.usage)
    const server = requireServer(loadFor(context).data)
    for (const name of args) {
      const { label, variantIds } = await streamsNamed(name, waiting, server, signal)
      const answer = await server.post('/api/measure', { variantIds }, signal)
      out.write(json ? `${JSON.stringify(answer)}\n` : `measured again: ${label}\n`)
    }
    return exitCode.ok
  },
}
