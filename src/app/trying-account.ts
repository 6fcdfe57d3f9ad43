import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account as AccountConfig, ConfigError, loadConfig } from '../config/index.ts'
import type { Action } from '../http/index.ts'
import { HttpProblem } from '../lib/http-problem.ts'
import { silentLog } from '../lib/log.ts'
import { type Account, openAccount, ProviderError } from '../provider/index.ts'
import { accountOptions } from './account-options.ts'

/** What was found with an account that is not configured yet. */
export interface TriedAccount {
  readonly host: string
  readonly state: string
  readonly expiresAt?: number
  readonly maxConnections?: number
  /** How many categories each part has. */
  readonly categories: Readonly<Record<string, number>>
  /** The configuration to save, with the password where it belongs. */
  readonly yaml: string
  /** Where it can be saved by itself; left out where there is a configuration already. */
  readonly file?: string
}

const fields = ['hosts', 'username', 'password', 'playlist'] as const
const maxFieldCharacters = 2_000
const fileName = 'reelport.yaml'

export interface TrialOptions {
  /** Where the program looks for a configuration. */
  readonly directory: string
  readonly canSave: boolean
  /** One was written, and whoever wrote it has been answered. */
  readonly onSaved: () => void
}

/**
 * The actions of the first-run page: sign in to a provider with what somebody typed, and write it down as a configuration. It is
 * never written over one that is there.
 */
export function accountTrials({ directory, canSave, onSaved }: TrialOptions): {
  readonly 'try-account': Action
  readonly 'save-account': Action
} {
  return {
    async 'try-account'(body, signal) {
      const typed = typedFields(body)
      await using account = openAccount(accountOptions(read(typed, directory)), { log: silentLog })
      try {
        const { host, state, active, expiresAt, maxConnections } = await account.status(signal)
        if (!active) throw new HttpProblem(422, `The provider says that this account is ${state ?? 'not active'}.`)
        return {
          host,
          state: state ?? 'works',
          ...(expiresAt !== undefined && { expiresAt }),
          ...(maxConnections !== undefined && { maxConnections }),
          categories: await categoriesOf(account, signal),
          yaml: yamlOf(typed),
          ...(canSave && { file: join(directory, fileName) }),
        } satisfies TriedAccount
      } catch (error) {
        if (error instanceof ProviderError) throw new HttpProblem(422, `${error.message}.`)
        throw error
      }
    },
    async 'save-account'(body) {
      if (!canSave) throw new HttpProblem(409, 'There is a configuration already; change that file.')
      const typed = typedFields(body)
      read(typed, directory)
      const file = join(directory, fileName)
      try {
        writeFileSync(file, yamlOf(typed), { flag: 'wx', mode: 0o600 })
      } catch (error) {
        throw new HttpProblem(409, `Cannot write ${file}: ${(error as Error).message}.`)
      }
      setImmediate(onSaved) // after the answer is with the socket: what comes of this ends all connections
      return { file }
    },
  }
}

type Typed = Readonly<Partial<Record<(typeof fields)[number], string>>>

function typedFields(body: unknown): Typed {
  const typed: Record<string, string> = {}
  for (const name of fields) {
    const value = (body as Record<string, unknown>)[name]
    if (value === undefined || value === '') continue
    if (typeof value !== 'string' || value.length > maxFieldCharacters || /[\r\n\0]/.test(value))
      throw new HttpProblem(400, `${name} is to be one line of up to ${maxFieldCharacters} characters.`)
    typed[name] = value.trim()
  }
  return typed
}

/** As the configuration would have it. @throws HttpProblem with what is wrong. */
function read(typed: Typed, directory: string): AccountConfig {
  const env = Object.fromEntries(
    Object.entries(typed).map(([name, value]) => [`REELPORT_${name.toUpperCase()}`, value]),
  )
  try {
    const [account] = loadConfig({ cwd: directory, env }).accounts
    if (account === undefined) throw new HttpProblem(400, 'Give a server, a user name and a password, or a playlist.')
    return account
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new HttpProblem(400, error.problems.map(({ message, hint }) => `${message}. ${hint ?? ''}`.trim()).join(' '))
  }
}

/** Only the lists of categories are read: small requests, whatever the provider's size. */
async function categoriesOf(account: Account, signal: AbortSignal): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const section of account.snapshot.sections) {
    if (section === 'playlist') continue // one document that holds everything
    let categories = 0
    for await (const { type } of account.snapshot.read(section, signal)) {
      if (type !== 'category') break
      categories++
    }
    counts[section] = categories
  }
  return counts
}

/** JSON's strings are YAML's, too. */
function yamlOf({ hosts, username, password, playlist }: Typed): string {
  const values = playlist === undefined ? { type: 'xtream', hosts, username, password } : { type: 'm3u', playlist }
  const lines = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${name === 'type' ? value : JSON.stringify(value)}`],
  )
  return `accounts:\n${lines.map((line, at) => `  ${at === 0 ? '-' : ' '} ${line}\n`).join('')}`
}
