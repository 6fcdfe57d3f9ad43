import type { Account } from '../config/index.ts'
import type { Secret } from '../lib/secret.ts'
import type { AccountOptions } from '../provider/index.ts'

/** An account of the configuration as the provider takes it. Headers may be secret until they are sent. */
export function accountOptions(account: Account): AccountOptions {
  const { headers, hostHeaders, ...others } = account
  return {
    ...others,
    ...(headers !== undefined && { headers: revealed(headers) }),
    ...(hostHeaders !== undefined && {
      hostHeaders: Object.fromEntries(Object.entries(hostHeaders).map(([host, own]) => [host, revealed(own)])),
    }),
  }
}

const revealed = (headers: Readonly<Record<string, Secret>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()]))
