import type { ChannelReport, LineupReport } from '../../app/index.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { type RunningServer, requireServer } from '../running-server.ts'
import { table } from '../table.ts'

const maxChannels = 1_000

export const channelsCommand: Command = {
  name: 'channels',
  usage: '[list [TEXT] | show CHANNEL | set CHANNEL NAME=VALUE… | reset CHANNEL | test CHANNEL… | report]',
  summary:
    'Live channels: what there is, what is wrong with one, and changes to it (name, number, logo, group, guideIds, shiftMinutes, hidden, favorite, dropCorrupt; blacklist, adopt and separate, with numbers of upstreams). A CHANNEL is its number.',
  flags: [
    { name: 'limit', value: 'N', help: `For list: how many, up to ${maxChannels}; all by default.` },
    ...configFlags,
  ],
  async run(context) {
    const [action = 'list', ...args] = context.args
    const act = actions[action]
    if (act === undefined) {
      throw new CommandError(
        `Nothing known as "channels ${action}": ${Object.keys(actions).join(', ')}`,
        exitCode.usage,
      )
    }
    return await act(args, context, requireServer(loadFor(context).data))
  },
}

type Act = (args: readonly string[], context: CommandContext, server: RunningServer) => Promise<number>

const actions: Readonly<Record<string, Act>> = {
  async list([text = ''], context, server) {
    const limit = context.flags.limit === undefined ? Number.POSITIVE_INFINITY : Number(context.flags.limit)
    if (!(limit >= 1))
      throw new CommandError(`--limit ${context.flags.limit}: write a number from 1 on`, exitCode.usage)
    const found: ChannelReport[] = []
    for await (const page of pages(text, server, context.signal)) {
      found.push(...page)
      if (found.length >= limit) break
    }
    const shown = found.slice(0, limit)
    if (context.json) context.out.write(`${JSON.stringify(shown, null, 2)}\n`)
    else context.out.write(table(['number', 'name', 'group', 'upstreams', 'state'], shown.map(row), ['right']))
    if (shown.length === 0 && !context.json)
      context.err.write(text === '' ? 'There are no channels.\n' : `No channel is called "${text}".\n`)
    return shown.length === 0 ? exitCode.failed : exitCode.ok
  },
  async show([name], context, server) {
    const channel = await named(name, 'show', server, context.signal)
    context.out.write(context.json ? `${JSON.stringify(channel, null, 2)}\n` : described(channel))
    return exitCode.ok
  },
  async set([name, ...changes], context, server) {
    const patch = Object.fromEntries(changes.map(changeOf))
    if (changes.length === 0)
      throw new CommandError('What? For example: reelport channels set 1000 name="The News"', exitCode.usage)
    const { id } = await named(name, 'set', server, context.signal)
    return say(context, (await server.put(`/api/channels/${id}/override`, patch, context.signal)) as ChannelReport)
  },
  async reset([name], context, server) {
    const { id } = await named(name, 'reset', server, context.signal)
    return say(context, (await server.delete(`/api/channels/${id}/override`, context.signal)) as ChannelReport)
  },
  async test(names, context, server) {
    if (names.length === 0)
      throw new CommandError('Which channels? For example: reelport channels test 1000', exitCode.usage)
    const channels: ChannelReport[] = []
    for (const name of names) channels.push(await named(name, 'test', server, context.signal))
    const results = (await server.post(
      '/api/channels/test',
      { channelIds: channels.map(({ id }) => id) },
      context.signal,
    )) as Tested
    const names2 = new Map(channels.flatMap(({ upstreams }) => upstreams.map(upstream => [upstream.id, upstream.name])))
    if (context.json) context.out.write(`${JSON.stringify(results, null, 2)}\n`)
    else
      for (const result of results)
        context.out.write(`${outcomeText(result)}  ${names2.get(result.upstreamId) ?? ''}\n`)
    return results.some(({ outcome }) => outcome.is === 'dead') ? exitCode.failed : exitCode.ok
  },
  async report(_args, context, server) {
    const report = (await server.get('/api/lineup', context.signal)) as LineupReport
    context.out.write(context.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report))
    return report.problems.length > 0 ? exitCode.failed : exitCode.ok
  },
}

type Tested = readonly ChannelReport['tests'][number][]

async function* pages(
  text: string,
  server: RunningServer,
  signal: AbortSignal,
): AsyncGenerator<readonly ChannelReport[]> {
  for (let after = 0; ; ) {
    const query = new URLSearchParams({ q: text, limit: String(maxChannels), after: String(after) })
    const page = (await server.get(`/api/channels?${query}`, signal)) as readonly ChannelReport[]
    yield page
    if (page.length < maxChannels) return
    after = page.at(-1)!.id
  }
}

/** The one channel that a person means, by its number, or by words that only one has. */
async function named(
  name: string | undefined,
  action: string,
  server: RunningServer,
  signal: AbortSignal,
): Promise<ChannelReport> {
  if (name === undefined)
    throw new CommandError(`Which channel? For example: reelport channels ${action} 1000`, exitCode.usage)
  const found: ChannelReport[] = []
  for await (const page of pages(name, server, signal)) found.push(...page)
  const exact = found.find(({ number }) => number === name) ?? (found.length === 1 ? found[0] : undefined)
  if (exact !== undefined) return exact
  if (found.length === 0) throw new CommandError(`No channel is called "${name}"; see: reelport channels list`)
  const some = found
    .slice(0, 5)
    .map(({ number, name }) => `${number} ${name}`)
    .join(', ')
  throw new CommandError(`${found.length} channels are called "${name}": ${some}${found.length > 5 ? ' …' : ''}`)
}

function changeOf(text: string): readonly [string, unknown] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new CommandError(`"${text}": write NAME=VALUE, such as hidden=true`, exitCode.usage)
  if (value === 'true' || value === 'false') return [name, value === 'true']
  if (name === 'shiftMinutes') return [name, Number(value)]
  if (name === 'guideIds') return [name, value.split(',')]
  if (name === 'blacklist' || name === 'adopt' || name === 'separate')
    return [name, value === '' ? [] : value.split(',').map(Number)]
  return [name, value]
}

function say(context: CommandContext, channel: ChannelReport): number {
  context.out.write(context.json ? `${JSON.stringify(channel, null, 2)}\n` : described(channel))
  return exitCode.ok
}

function row(channel: ChannelReport): readonly string[] {
  const { number, name, group = '', upstreams } = channel
  return [number, name, group, String(upstreams.length), stateOf(channel)]
}

function stateOf({ isHidden, isDead, failures, device }: ChannelReport): string {
  if (isHidden) return 'hidden'
  if (isDead) return 'dead by tests'
  if (device === undefined) return 'on no device'
  const [last] = failures
  return last === undefined ? '' : `failed ${new Date(last.at).toISOString()}: ${last.code}`
}

function described(channel: ChannelReport): string {
  const { number, name, guideId, guideHints, upstreams, tests, failures, patch } = channel
  const lines = [
    `${number}  ${name}${stateOf(channel) === '' ? '' : ` (${stateOf(channel)})`}`,
    `    guide: ${guideId}, by ${guideHints.ids.join(', ') || 'its name'}`,
    ...(patch === undefined ? [] : [`    changed: ${JSON.stringify(patch)}`]),
    ...upstreams.map(upstream => {
      const test = tests.find(({ upstreamId }) => upstreamId === upstream.id)
      return `    ${upstream.id}  ${upstream.name} (account ${upstream.accountId})${test === undefined ? '' : `, ${outcomeText(test)}`}`
    }),
    ...failures.map(({ at, code, reason }) => `    ${new Date(at).toISOString()}  ${code}: ${reason}`),
  ]
  return `${lines.join('\n')}\n`
}

function outcomeText({ at, outcome }: Tested[number]): string {
  const when = new Date(at).toISOString()
  if (outcome.is === 'ok')
    return `${when}  ok in ${outcome.ms} ms, ${outcome.kind}${outcome.codecs === undefined ? '' : ` (${outcome.codecs.join(', ')})`}`
  if (outcome.is === 'dead') return `${when}  dead, ${outcome.code}: ${outcome.reason}`
  return `${when}  not known: ${outcome.reason}`
}

function reportText(report: LineupReport): string {
  const { listed, separators, filtered, hidden, dead, channels, upstreams, withoutGuideId, devices, problems } = report
  return [
    `${listed} listed, ${separators} of them lines between groups, ${filtered} left out by filters`,
    `${channels} channels of ${upstreams} streams; ${hidden} hidden, ${dead} dead, ${withoutGuideId} without a guide id`,
    ...devices.map(device => `device ${device.index} ${device.deviceId} ${device.name}: ${device.channels} channels`),
    ...problems,
    '',
  ].join('\n')
}
