import type { ParseArgsOptionsConfig } from 'node:util'

export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

/** What a command is given: nothing else of the process is touched by it. */
export interface CommandContext {
  readonly args: readonly string[]
  readonly flags: FlagValues
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  readonly out: NodeJS.WriteStream
  readonly err: NodeJS.WriteStream
  /** With `--json`: one JSON document instead of text for people. */
  readonly json: boolean
}

export interface Flag {
  readonly name: string
  /** What its value is called in the help; a flag without one is a switch. */
  readonly value?: string
  readonly help: string
  /** False for flags that a help page only points to. */
  readonly common?: boolean
}

export interface Command {
  readonly name: string
  /** Arguments as the help shows them, such as `[PATH]`. */
  readonly usage: string
  readonly summary: string
  readonly flags: readonly Flag[]
  /** Resolves to the process's exit code; throws CommandError (or ConfigError) for what a person can put right. */
  run(context: CommandContext): Promise<number>
}

/** What every command takes. */
export const everywhere: readonly Flag[] = [
  { name: 'json', help: 'Print JSON instead of text.' },
  { name: 'help', help: 'Show this help.' },
]

/** The flags of a command as `parseArgs` wants them, with those that every command has. */
export function parseOptions(flags: readonly Flag[]): ParseArgsOptionsConfig {
  return Object.fromEntries(
    [...flags, ...everywhere].map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
  )
}

/** Help for one command. */
export function helpFor({ name, usage, summary, flags }: Command): string {
  const shown = [...flags.filter(({ common }) => common !== false), ...everywhere]
  const rows = shown.map(({ name, value, help }) => [`--${name}${value ? ` ${value}` : ''}`, help] as const)
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    `reelport ${name} ${usage}`.trimEnd(),
    '',
    `  ${summary}`,
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    ...(shown.length - everywhere.length < flags.length
      ? ['', '  Every setting of the configuration is a flag too: reelport config reference lists them.']
      : []),
    '',
  ].join('\n')
}
