import { secret } from './kinds.ts'
import type { Group, Setting } from './model.ts'
import { account, settings } from './settings.ts'

/** A setting that can be given by file, variable and flag. */
export interface NamedSetting {
  /** Names from the outermost group inwards, as in the file. */
  readonly path: readonly string[]
  readonly setting: Setting
  readonly variable: string
  /** Without its dashes. Secrets and settings of an account have none: everybody on the machine can read command lines. */
  readonly flag?: string
}

/** Settings outside lists, each with the names that follow from its path. */
export const namedSettings: readonly NamedSetting[] = [...walk(settings, [])].map(({ path, setting }) => {
  const words = path.map(kebab)
  return {
    path,
    setting,
    variable: `REELPORT_${words.join('_').replaceAll('-', '_').toUpperCase()}`,
    ...(setting.kind !== secret && { flag: words.join('-') }),
  }
})

/** Settings of the one account that variables can describe. */
export const accountSettings: readonly NamedSetting[] = [...walk(account, [])].flatMap(({ path, setting }) =>
  setting.variable === undefined ? [] : [{ path, setting, variable: setting.variable }],
)

/** `maxConnections` as `max-connections`. */
function kebab(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/** Every setting below a group, those in lists left out. */
export function* walk(
  group: Group,
  path: readonly string[],
): Generator<{ readonly path: readonly string[]; readonly setting: Setting }> {
  for (const [name, member] of Object.entries(group.members)) {
    if (member.node === 'setting') yield { path: [...path, name], setting: member }
    else if (member.node === 'group') yield* walk(member, [...path, name])
  }
}
