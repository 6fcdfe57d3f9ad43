import type { Place } from './kinds.ts'
import { type Group, groupSchema, type Node, type Tree, type Written } from './model.ts'
import { namedSettings } from './names.ts'
import type { Problem } from './problems.ts'
import { account, device, guideSource, library, plexServer, settings, webhook } from './settings.ts'
import { nearest } from './suggest.ts'

/** Where a setting is written. */
export type Where = (path: readonly PropertyKey[]) => string

/** A validated entry of a list: its values, and where each was written. */
export interface Entry {
  readonly values: Record<string, unknown>
  /** Where a member is written, or the entry itself. */
  where(name?: string): string
}

/** What one source (file, environment, command line) says, validated. */
export interface Layer {
  readonly values: Record<string, unknown>
  readonly accounts?: readonly Entry[]
  readonly libraries?: readonly Entry[]
  readonly devices?: readonly Entry[]
  readonly guides?: readonly Entry[]
  readonly plexServers?: readonly Entry[]
  readonly webhooks?: readonly Entry[]
  /** True when an account or library could not be read, so that what refers to it cannot be judged. */
  readonly broken: boolean
  readonly where: Where
}

const MAX_ENTRIES = 1_000

/** Validates what one source says. What is wrong goes to `problems` and is left out of the result. */
export function readLayer(tree: Tree, where: Where, place: Place, problems: Problem[]): Layer {
  const { accounts, libraries, devices, guides, plexServers, webhooks, ...rest } = tree
  const read = readGroup(settings, rest, [], where, place, problems)
  let broken = false
  const list = (name: string, group: Group, written: Written | undefined): Entry[] | undefined => {
    if (written === undefined) return undefined
    const items = Array.isArray(written) ? (written as readonly Written[]) : undefined
    if (items === undefined || items.length > MAX_ENTRIES) {
      broken = true
      const hint = `Begin each of at most ${MAX_ENTRIES} entries with "- "`
      problems.push({ where: where([name]), message: `${name} is not a list of groups`, hint })
      return undefined
    }
    return items.flatMap((item, index) => {
      const path = [name, index]
      const entry = readGroup(group, item, path, where, place, problems)
      if (!entry.whole) broken = true
      const at = (member?: string) => where(member === undefined ? path : [...path, member])
      return entry.whole ? [{ values: entry.values, where: at }] : []
    })
  }
  const readAccounts = list('accounts', account, accounts)
  const readLibraries = list('libraries', library, libraries)
  const readDevices = list('devices', device, devices)
  const readGuides = list('guides', guideSource, guides)
  const readPlexServers = list('plexServers', plexServer, plexServers)
  const readWebhooks = list('webhooks', webhook, webhooks)
  return {
    values: read.values,
    ...(readAccounts && { accounts: readAccounts }),
    ...(readLibraries && { libraries: readLibraries }),
    ...(readDevices && { devices: readDevices }),
    ...(readGuides && { guides: readGuides }),
    ...(readPlexServers && { plexServers: readPlexServers }),
    ...(readWebhooks && { webhooks: readWebhooks }),
    broken,
    where,
  }
}

function readGroup(
  group: Group,
  tree: Written,
  path: readonly PropertyKey[],
  where: Where,
  place: Place,
  problems: Problem[],
): { readonly values: Record<string, unknown>; readonly whole: boolean } {
  const schema = groupSchema(group, place)
  const first = schema.safeParse(tree)
  if (first.success) return { values: first.data, whole: true }
  let whole = true
  let rest = tree
  for (const issue of first.error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const full = [...path, ...issue.path, key]
        problems.push({ where: where(full), ...unknownSetting(group, issue.path, key, path[0] === 'accounts') })
        rest = without(rest, [...issue.path, key])
      }
      continue
    }
    whole = false
    const full = [...path, ...issue.path]
    const member = memberAt(group, issue.path)
    const name = full.filter(part => typeof part !== 'number').join('.')
    problems.push({
      where: where(full),
      message: `${name}${issue.message.startsWith('is ') ? '' : ':'} ${issue.message}`,
      ...(member && { hint: member.node === 'setting' ? member.kind.expects : groupHint(member) }),
    })
    rest = without(rest, issue.path)
  }
  const second = schema.safeParse(rest)
  return { values: second.success ? second.data : {}, whole: whole && second.success }
}

function groupHint(member: Node): string {
  const members = member.node === 'group' ? member.members : {}
  return `Write its settings on lines of their own, indented: ${Object.keys(members).join(', ')}`
}

function memberAt(group: Group, path: readonly PropertyKey[]): Node | undefined {
  let node: Node = group
  for (const part of path) {
    if (typeof part === 'number') break
    const inner: Node | undefined = node.node === 'group' ? node.members[String(part)] : undefined
    if (inner === undefined) break
    node = inner
  }
  return node
}

/** `confidential` where the name itself may be a secret that slipped: then only a near miss is named. */
function unknownSetting(
  group: Group,
  path: readonly PropertyKey[],
  key: string,
  confidential: boolean,
): Omit<Problem, 'where'> {
  const parent = memberAt(group, path)
  const known = parent?.node === 'group' ? Object.keys(parent.members) : []
  const meant = nearest(key, known)
  const elsewhere = namedSettings.filter(({ path }) => path.at(-1) === key).map(({ path }) => path.join('.'))
  const hint =
    meant !== undefined
      ? `Did you mean ${meant}?`
      : elsewhere.length > 0
        ? `Did you mean ${elsewhere.join(' or ')}?`
        : `Known here: ${known.join(', ')}`
  const shown = (meant !== undefined || !confidential) && key.length <= 60
  return { message: shown ? `no setting is called ${JSON.stringify(key)}` : 'no setting is called that', hint }
}

/** A copy of `tree` that lacks what is at `path`; what is inside a list takes the whole list with it. */
function without(tree: Written, path: readonly PropertyKey[]): Written {
  const [name, ...inner] = path
  if (typeof tree === 'string' || Array.isArray(tree) || typeof name !== 'string') return tree
  const { [name]: value, ...others } = tree as Tree
  const whole = value === undefined || typeof value === 'string' || Array.isArray(value) || typeof inner[0] !== 'string'
  return whole ? others : { ...others, [name]: without(value, inner) }
}
