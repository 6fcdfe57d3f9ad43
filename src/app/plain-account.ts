import { Secret } from '../lib/secret.ts'
import type { AccountOptions } from '../provider/index.ts'

/** Account options whose secrets are laid bare for the way to another thread of this process. */
export type PlainAccount = Readonly<Record<string, unknown>>

export function toPlain(account: AccountOptions): PlainAccount {
  return mapValues(account, value => (value instanceof Secret ? { secret: value.reveal() } : value))
}

export function fromPlain(account: PlainAccount): AccountOptions {
  const restored = mapValues(account, value => (isBareSecret(value) ? new Secret(value.secret) : value))
  return restored as unknown as AccountOptions
}

function mapValues(object: object, map: (value: unknown) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
}

function isBareSecret(value: unknown): value is { secret: string } {
  return typeof value === 'object' && value !== null && typeof (value as { secret?: unknown }).secret === 'string'
}
