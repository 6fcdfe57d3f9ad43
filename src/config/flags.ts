import { assign } from './environment.ts'
import type { Tree, Written } from './model.ts'
import { namedSettings } from './names.ts'
import type { Where } from './read.ts'

/** One flag of the command line, as `parseArgs` and a help page need it. */
export interface SettingFlag {
  /** Without its dashes. */
  readonly name: string
  /** What its value is called in the help; a flag without one is a switch. */
  readonly value?: string
  readonly help: string
  /** The few that a help page should show first. */
  readonly common: boolean
}

export type Flags = Readonly<Record<string, string | boolean | undefined>>

/** Names the configuration file. */
export const fileFlag = 'config'

const common = ['config', 'data', 'nfs-host', 'nfs-port', 'http-host', 'http-port', 'log-level', 'log-format']

/** The flags of the settings, `--config` first. */
export const settingFlags: readonly SettingFlag[] = [
  { name: fileFlag, value: 'FILE', help: 'The configuration file; by default reelport.yaml here.', common: true },
  ...namedSettings.flatMap(({ flag, setting, path }) =>
    flag === undefined
      ? []
      : [
          {
            name: flag,
            ...(!setting.kind.boolean && { value: valueName(path.at(-1)!) }),
            help: setting.sentence,
            common: common.includes(flag),
          },
        ],
  ),
]

function valueName(name: string): string {
  return /directory|data/.test(name) ? 'DIR' : name.replace(/[A-Z]/g, '_$&').toUpperCase()
}

/** What the command line says, as a tree; flags that are no settings are the command's own business. */
export function readFlags(flags: Flags): { readonly tree: Tree; readonly where: Where } {
  const tree: Record<string, Written> = {}
  for (const { flag, path } of namedSettings) {
    const value = flag === undefined ? undefined : flags[flag]
    if (value !== undefined) assign(tree, path, String(value))
  }
  return {
    tree,
    where: path => {
      const named = namedSettings.find(({ path: own }) => own.every((name, index) => name === path[index]))
      return named?.flag === undefined ? 'the command line' : `--${named.flag}`
    },
  }
}
