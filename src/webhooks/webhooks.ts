import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Hook } from './hook.ts'
import type { HookOptions, HookStats, WebhookEvent } from './model.ts'
import { send } from './send.ts'
import { openStore } from './store.ts'

export interface WebhooksOptions {
  readonly hooks: readonly HookOptions[]
  /** What waits is kept there. */
  readonly directory: string
}

export interface WebhooksDeps {
  readonly log: Logger
  readonly clock: Clock
}

/** What came of a test. */
export interface HookTest {
  readonly name: string
  readonly host: string
  readonly ok: boolean
  /** Why not. */
  readonly reason?: string
}

/** Tells others what happened. Disposing of it ends what is under way; what waits is kept for the next start. */
export interface Webhooks extends AsyncDisposable {
  /** Waits for nothing and throws nothing: whoever calls has other work. */
  tell(event: WebhookEvent): void
  /** Sends the event `test` at once, past all that waits, to every hook or to the one with this name. */
  test(name?: string): Promise<readonly HookTest[]>
  /** In the order of the settings. */
  stats(): readonly HookStats[]
}

/** Begins with what an earlier start left. @throws what `openDatabase` throws. */
export function openWebhooks({ hooks: options, directory }: WebhooksOptions, { log, clock }: WebhooksDeps): Webhooks {
  const ending = new AbortController()
  const store = openStore(join(directory, 'webhooks.sqlite'))
  store.keepOnly(options.map(({ name }) => name))
  const hooks = options.map(each => new Hook(each, { store, log, clock, signal: ending.signal }))

  return {
    tell(event) {
      try {
        const now = clock.now()
        const delivery = { id: randomUUID(), body: bodyOf(event.type, event.data, now), createdAt: now }
        for (const hook of hooks) if (hook.wants(event.type)) hook.add(delivery)
      } catch (error) {
        log.error({ error, event: event.type }, 'webhooks could not be told')
      }
    },
    async test(name) {
      const meant = options.filter(hook => name === undefined || hook.name === name)
      return await Promise.all(
        meant.map(async (hook): Promise<HookTest> => {
          const now = clock.now()
          const delivery = { id: randomUUID(), body: bodyOf('test', { hook: hook.name }, now) }
          const outcome = await send(hook, delivery, now, ending.signal)
          const { host } = new URL(hook.url.reveal())
          const isDelivered = outcome.is === 'delivered'
          return { name: hook.name, host, ok: isDelivered, ...(!isDelivered && { reason: outcome.reason }) }
        }),
      )
    },
    stats: () => hooks.map(hook => hook.stats()),
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('The server is stopping'))
      await Promise.all(hooks.map(hook => hook.ended))
      store[Symbol.dispose]()
    },
  }
}

function bodyOf(type: string, data: object, now: number): string {
  return JSON.stringify({ type, timestamp: new Date(now).toISOString(), data })
}
