export type { HookOptions, HookStats, WebhookEvent, WebhookEventType } from './model.ts'
export { eventTypes } from './model.ts'
export { type HookTest, openWebhooks, type Webhooks } from './webhooks.ts'
