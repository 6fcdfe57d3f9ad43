import type { QueueReport } from '../../app/index.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { queueTable } from '../queue-table.ts'
import { type RunningServer, requireServer } from '../running-server.ts'
import { type Named, type Naming, streamsNamed } from '../title-names.ts'

/** As many as the server shows at once, and changes. */
const maxEntries = 500
const maxTitles = 250

export const queueCommand: Command = {
  name: 'queue',
  usage:
    '[list | add NAME… | remove NAME… | pause [NAME…] | resume [NAME…] | move NAME top|bottom|up|down|before NAME]',
  summary:
    'What is made into files or fetched as a whole, in which order. A NAME is a number, a path, or words such as "Harbour Lights (2019)".',
  flags: [
    { name: 'top', help: 'For add: before everything else that people asked for.' },
    { name: 'season', value: 'N', help: 'Of shows, only this season.' },
    { name: 'state', value: 'STATE', help: 'For list: only what is running, waiting, paused or failed.' },
    { name: 'limit', value: 'N', help: `For list: how many, up to ${maxEntries}; 100 by default.` },
    ...configFlags,
  ],
  async run(context) {
    const [action = 'list', ...names] = context.args
    const act = actions[action]
    if (act === undefined) {
      throw new CommandError(
        `Nothing known as "queue ${action}": ${Object.keys(actions).join(', ')}. To add a title: reelport queue add "…"`,
        exitCode.usage,
      )
    }
    return await act(names, context, requireServer(loadFor(context).data))
  },
}

type Act = (names: readonly string[], context: CommandContext, server: RunningServer) => Promise<number>

const actions: Readonly<Record<string, Act>> = {
  async list(names, context, server) {
    if (names.length > 0)
      throw new CommandError('"queue list" takes no names; see also: reelport status TEXT', exitCode.usage)
    const report = await reportOf(context, server)
    context.out.write(context.json ? `${JSON.stringify(report, null, 2)}\n` : queueTable(report, Date.now()))
    return exitCode.ok
  },
  async add(names, context, server) {
    const meant = await named(required(names, 'add'), context, server, offered)
    const where = context.flags.top === true ? 'top' : 'bottom'
    return await post('add', { where }, meant, ['added', 'no such title'], context, server)
  },
  async remove(names, context, server) {
    const meant = await named(required(names, 'remove'), context, server, any)
    return await post('remove', {}, meant, ['removed', 'not in the queue'], context, server)
  },
  pause: (names, context, server) => pauseOrResume('pause', 'paused', names, context, server),
  resume: (names, context, server) => pauseOrResume('resume', 'resumed', names, context, server),
  async move(args, context, server) {
    const [name, to, other] = args
    const isKnown =
      to === 'before' ? args.length === 3 : ['top', 'bottom', 'up', 'down'].includes(to ?? '') && args.length === 2
    if (!isKnown) throw new CommandError('Write: queue move NAME top, bottom, up, down, or before NAME', exitCode.usage)
    const meant = await named([name!], context, server, any)
    const place = to === 'before' ? { before: await firstQueued(other!, context, server) } : { to }
    return await post('move', place, meant, ['moved', 'not in the queue'], context, server)
  },
}

/** Streams that the tree has, or could have. */
const offered: Omit<Naming, 'season'> = {
  isMeant: ({ state }) => state !== 'missing' && state !== 'hidden',
  ifNone: 'the provider no longer lists it, or no library has a place for it',
}
const any: Omit<Naming, 'season'> = { isMeant: () => true, ifNone: 'it has no streams' }

async function pauseOrResume(
  action: 'pause' | 'resume',
  done: string,
  names: readonly string[],
  context: CommandContext,
  server: RunningServer,
): Promise<number> {
  if (names.length > 0) {
    const meant = await named(names, context, server, any)
    return await post(action, {}, meant, [done, 'not in the queue'], context, server)
  }
  const answer = await server.post(`/api/queue/${action}`, {}, context.signal)
  context.out.write(context.json ? `${JSON.stringify(answer, null, 2)}\n` : `The queue is ${done}.\n`)
  return exitCode.ok
}

/** Everything that the names stand for, or nothing is done. */
async function named(
  names: readonly string[],
  { flags, signal }: CommandContext,
  server: RunningServer,
  naming: Omit<Naming, 'season'>,
): Promise<readonly Named[]> {
  const season = typeof flags.season === 'string' ? wholeNumber(flags.season, 'season') : undefined
  const found: Named[] = []
  for (const name of names) found.push(await streamsNamed(name, { ...naming, season }, server, signal))
  return found
}

interface Answer {
  readonly changed: readonly number[]
  readonly unknown: readonly number[]
}

/** Asks for a few at a time, in an order that leaves them in theirs. */
async function post(
  action: string,
  how: object & { readonly where?: string },
  meant: readonly Named[],
  [done, otherwise]: readonly [done: string, otherwise: string],
  { signal, json, out }: CommandContext,
  server: RunningServer,
): Promise<number> {
  const variantIds = [...new Set(meant.flatMap(({ variantIds }) => variantIds))]
  const requests = Array.from({ length: Math.ceil(variantIds.length / maxTitles) }, (_, index) =>
    variantIds.slice(index * maxTitles, (index + 1) * maxTitles),
  )
  const [changed, unknown]: [number[], number[]] = [[], []]
  for (const variantIds of how.where === 'top' ? requests.toReversed() : requests) {
    const answer = (await server.post(`/api/queue/${action}`, { variantIds, ...how }, signal)) as Answer
    changed.push(...answer.changed)
    unknown.push(...answer.unknown)
  }
  if (json) out.write(`${JSON.stringify({ changed, unknown }, null, 2)}\n`)
  else {
    const count = changed.length === 1 ? '' : ` (${changed.length})`
    out.write(`${done}: ${meant.map(({ label }) => label).join('; ')}${count}\n`)
    if (unknown.length > 0) out.write(`${otherwise}: ${unknown.join(', ')}\n`)
  }
  return exitCode.ok
}

/** The first in the queue of what a name stands for. */
async function firstQueued(name: string, context: CommandContext, server: RunningServer): Promise<number> {
  const [target] = await named([name], context, server, any)
  const [only, ...others] = target!.variantIds
  if (others.length === 0) return only!
  const { entries } = (await server.get(`/api/queue?limit=${maxEntries}`, context.signal)) as QueueReport
  const first = entries.find(({ variantId }) => target!.variantIds.includes(variantId))
  if (first === undefined) throw new CommandError(`${target!.label} is not among the first ${maxEntries} of the queue`)
  return first.variantId
}

async function reportOf({ flags, signal }: CommandContext, server: RunningServer): Promise<QueueReport> {
  const query = new URLSearchParams()
  if (typeof flags.state === 'string') query.set('state', flags.state)
  if (typeof flags.limit === 'string') query.set('limit', String(wholeNumber(flags.limit, 'limit')))
  return (await server.get(`/api/queue?${query}`, signal)) as QueueReport
}

function required(names: readonly string[], action: string): readonly string[] {
  if (names.length > 0) return names
  throw new CommandError(`"queue ${action}" needs a number, a path, or words of a title`, exitCode.usage)
}

function wholeNumber(text: string, flag: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new CommandError(`--${flag} is a whole number, not ${JSON.stringify(text)}`, exitCode.usage)
}
