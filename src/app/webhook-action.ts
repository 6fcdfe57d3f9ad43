import type { Action } from '../http/index.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import type { HookTest, Webhooks } from '../webhooks/index.ts'

export interface WebhookTestAnswer {
  readonly tests: readonly HookTest[]
}

/** What `POST /api/webhooks` does: `do` is test, `name` the one that is meant, of several. */
export function webhookAction(webhooks: Webhooks): Action {
  return async (body): Promise<WebhookTestAnswer> => {
    const { do: what, name } = body as { do?: unknown; name?: unknown }
    if (what !== 'test') throw new HttpProblem(400, `Nothing known as ${JSON.stringify(what)}: do is test`)
    const known = webhooks.stats().map(({ name }) => name)
    if (known.length === 0) throw new HttpProblem(409, 'No webhook is configured: add one to webhooks in the settings')
    if (name !== undefined && !known.some(hook => hook === name))
      throw new HttpProblem(404, `No webhook is called ${JSON.stringify(name)}; known: ${known.join(', ')}`)
    return { tests: await webhooks.test(name as string | undefined) }
  }
}
