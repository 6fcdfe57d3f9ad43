import { type Command, everywhere, type Flag } from './command.ts'
import { exitCode } from './exit-code.ts'

/** What each exit code says. */
const meanings = {
  ok: 'done',
  failed: 'done, and something is wrong: a check that failed, a file that is not there, a damaged backup',
  usage: 'the command line makes no sense',
  unavailable: 'a server, a provider or a port is not to be had',
  bug: 'an error that nobody expected',
  cannotWrite: 'a directory or a file cannot be written, or something would be overwritten',
  configuration: 'the configuration is wrong, or says too little',
} satisfies Record<keyof typeof exitCode, string>

/** Documentation of the whole command line, as Markdown. */
export function commandReference(commands: readonly Command[]): string {
  const shared = commands.flatMap(({ flags }) => flags).filter(({ common }) => common === true)
  const everyFlag = [...new Map(shared.map(flag => [flag.name, flag])).values(), ...everywhere]
  return [
    '# The command line',
    '',
    'This page is what `reelport reference` prints. In a checkout, `npm run reelport -- COMMAND` is `reelport COMMAND`.',
    '',
    ...commands.flatMap(sectionOf),
    '## Flags of all commands',
    '',
    'Every setting of the [configuration](configuration.md) is a flag of every command, too; these are used most.',
    '',
    ...flagTable(everyFlag),
    '## Exit codes',
    '',
    '| code | |',
    '|---|---|',
    ...Object.entries(exitCode).map(([name, code]) => `| ${code} | ${meanings[name as keyof typeof exitCode]} |`),
    '| 130 | interrupted |',
    '',
  ].join('\n')
}

function sectionOf({ name, usage, summary, flags }: Command): readonly string[] {
  const own = flags.filter(({ common }) => common === undefined)
  return [
    `## \`reelport ${name}\``,
    '',
    '```text',
    `reelport ${name} ${usage}`.trimEnd(),
    '```',
    '',
    escaped(summary),
    '',
    ...(own.length > 0 ? flagTable(own) : []),
  ]
}

const flagTable = (flags: readonly Flag[]): readonly string[] => [
  '| flag | |',
  '|---|---|',
  ...flags.map(({ name, value, help }) => `| \`--${name}${value ? ` ${value}` : ''}\` | ${escaped(help)} |`),
  '',
]

/** What Markdown would take for a table's column or for HTML. */
const escaped = (text: string) => text.replaceAll(/[|<*]/g, '\\$&')
