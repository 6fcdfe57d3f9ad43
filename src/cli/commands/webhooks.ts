import type { Status, WebhookTestAnswer } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, exitCode } from '../exit-code.ts'
import { requireServer } from '../running-server.ts'
import { table } from '../table.ts'

export const webhooksCommand: Command = {
  name: 'webhooks',
  usage: '[list | test [NAME]]',
  summary: 'Who is told what happens, and how that goes; test sends each an event.',
  flags: configFlags,
  async run({ args, json, out, signal, ...context }) {
    const server = requireServer(loadFor({ args, json, out, signal, ...context }).data)
    const [what = 'list', name] = args
    if (what === 'list') {
      const { webhooks = [] } = (await server.get('/api/status', signal)) as Status
      if (json) out.write(`${JSON.stringify(webhooks, null, 2)}\n`)
      else if (webhooks.length === 0) out.write('No webhook is configured.\n')
      else out.write(listOf(webhooks))
      return exitCode.ok
    }
    if (what !== 'test') throw new CommandError(`Nothing known as "webhooks ${what}": list or test`, exitCode.usage)
    const body = { do: 'test', ...(name !== undefined && { name }) }
    const { tests } = (await server.post('/api/webhooks', body, signal)) as WebhookTestAnswer
    const lines = tests.map(({ name, host, ok, reason }) => `${name} (${host}): ${ok ? 'ok' : reason}\n`)
    out.write(json ? `${JSON.stringify(tests, null, 2)}\n` : lines.join(''))
    return tests.every(({ ok }) => ok) ? exitCode.ok : exitCode.failed
  },
}

function listOf(webhooks: NonNullable<Status['webhooks']>): string {
  const rows = webhooks.map(({ name, host, delivered, waiting, lost, lastFailure }) => {
    const trouble = lastFailure === undefined ? '' : `${new Date(lastFailure.at).toISOString()}: ${lastFailure.reason}`
    return [name, host, String(delivered), String(waiting), String(lost), trouble]
  })
  return table(['name', 'host', 'delivered', 'waiting', 'lost', 'last failure'], rows)
}
