import type { Tree, Written } from './model.ts'
import { accountSettings, namedSettings } from './names.ts'
import type { Problem } from './problems.ts'
import type { Where } from './read.ts'
import { nearest } from './suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const prefix = 'REELPORT_'

/** Names the configuration file. */
export const fileVariable = 'REELPORT_CONFIG'

/** Other ways to write a variable. */
const aliases: Readonly<Record<string, string>> = { REELPORT_HOST: 'REELPORT_HOSTS' }

/** What an address looks like that Kubernetes and Docker put into variables for every service they know. */
const serviceLink = /^(?:tcp|udp|sctp):\/\//
const serviceLinkNames = /_SERVICE_(?:HOST|PORT)(?:_\w+)?$|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/

/**
 * The variables that begin with `REELPORT_`, as a tree. A service called `reelport-nfs` makes Kubernetes set
 * `REELPORT_NFS_PORT=tcp://10.0.0.7:2049` in every pod: such links are left out. An empty variable counts as absent. Of
 * unknown ones, those that look like a slip are problems, the others warnings.
 */
export function readEnvironment(
  env: Environment,
  problems: Problem[],
  warnings: Problem[],
): { readonly tree: Tree; readonly where: Where } {
  const known = new Map(namedSettings.map(({ variable, path }) => [variable, path]))
  const ofAccount = new Map(accountSettings.map(({ variable, path }) => [variable, path]))
  const tree: Record<string, Written> = {}
  const accountTree: Record<string, Written> = {}
  const sources = new Map<string, string>()
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(prefix) || name === fileVariable || value === undefined || value.trim() === '') continue
    const variable = aliases[name] ?? name
    const setting = known.get(variable)
    const accountSetting = ofAccount.get(variable)
    if (isServiceLink(name, value, setting !== undefined)) continue
    if (setting !== undefined) {
      assign(tree, setting, value)
      sources.set(setting.join('.'), name)
    } else if (accountSetting !== undefined) {
      const key = accountSetting.join('.')
      if (sources.has(`accounts.0.${key}`)) {
        const message = `says the same as ${sources.get(`accounts.0.${key}`)}`
        problems.push({ where: name, message, hint: 'Set one of them' })
      }
      assign(accountTree, accountSetting, value)
      sources.set(`accounts.0.${key}`, name)
    } else {
      const all = [...known.keys(), ...ofAccount.keys(), ...Object.keys(aliases), fileVariable]
      const meant = nearest(
        name.slice(prefix.length),
        all.map(other => other.slice(prefix.length)),
      )
      if (meant !== undefined)
        problems.push({ where: name, message: 'no such variable', hint: `Did you mean ${prefix}${meant}?` })
      else warnings.push({ where: name, message: 'no such variable: it has no effect' })
    }
  }
  if (sources.size > 0 && Object.keys(accountTree).length > 0) tree.accounts = [accountTree]
  return {
    tree,
    where(path) {
      for (let length = path.length; length > 0; length--) {
        const name = sources.get(path.slice(0, length).join('.'))
        if (name !== undefined) return name
      }
      return 'the environment'
    },
  }
}

function isServiceLink(name: string, value: string, known: boolean): boolean {
  return serviceLinkNames.test(name) && (serviceLink.test(value) || !known)
}

/** Puts `value` where `path` says, making the groups around it. */
export function assign(tree: Record<string, Written>, path: readonly string[], value: Written): void {
  const [name, ...inner] = path as readonly [string, ...string[]]
  if (inner.length === 0) {
    tree[name] = value
    return
  }
  tree[name] ??= {}
  assign(tree[name] as Record<string, Written>, inner, value)
}
