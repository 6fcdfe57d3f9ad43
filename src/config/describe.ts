import { type Group, isRequired, type Node, type Setting } from './model.ts'
import { namedSettings } from './names.ts'
import { settings } from './settings.ts'

/** One setting, for people. */
export interface Description {
  /** As in the file, such as `nfs.port` or `accounts[].hosts`. */
  readonly path: string
  readonly variable?: string
  /** Without its dashes. */
  readonly flag?: string
  /** With its article, such as `a duration in range`. */
  readonly type: string
  readonly default?: string
  readonly required: boolean
  readonly sentence: string
  /** What may be written. */
  readonly expects: string
}

interface Section {
  readonly path: string
  readonly sentence: string
  readonly rows: readonly Description[]
}

/** Every setting, in the order of the reference. */
export function describeConfig(): readonly Description[] {
  return sections().flatMap(({ rows }) => rows)
}

function sections(): readonly Section[] {
  const found: Section[] = []
  const visit = (group: Group, path: string) => {
    const own = Object.entries(group.members)
    const rows = own.flatMap(([name, member]) =>
      member.node === 'setting' ? [describe(member, path === '' ? name : `${path}.${name}`)] : [],
    )
    found.push({ path, sentence: group.sentence, rows })
    for (const [name, member] of own) {
      const inner = path === '' ? name : `${path}.${name}`
      if (member.node === 'group') visit(member, inner)
      else if (member.node === 'entries') visit({ ...member.each, sentence: member.sentence }, `${inner}[]`)
    }
  }
  visit(settings, '')
  return found
}

function describe(setting: Setting, path: string): Description {
  const named = namedSettings.find(other => other.path.join('.') === path)
  const variable = named?.variable ?? setting.variable
  const fallback =
    setting.fallbackText ?? (setting.fallback === undefined ? undefined : [setting.fallback].flat().join(', '))
  return {
    path,
    ...(variable !== undefined && { variable }),
    ...(named?.flag !== undefined && { flag: named.flag }),
    type: setting.kind.name,
    ...(fallback !== undefined && { default: fallback }),
    required: isRequired(setting),
    sentence: setting.sentence,
    expects: setting.kind.expects,
  }
}

const introduction = `# Configuration

Settings are read from a YAML file (\`--config FILE\`, else the variable \`REELPORT_CONFIG\`, else \`reelport.yaml\` in the
working directory), from variables and from flags; a flag goes before a variable, a variable before the file. Relative
paths start at the file's directory, or at the working directory in variables and flags. \`reelport config check\` says
everything that is wrong at once.

Variables describe one account: the one in the file with the id \`REELPORT_ACCOUNT\`, or the only one there, or else a new
one called \`main\`. \`REELPORT_HOST\` is another way to write \`REELPORT_HOSTS\`. For user names and passwords, what is
written directly goes before a file of its own, that before \`secrets\`, that before \`subscription\`, and that before what
a pasted URL carries.`

/** The reference of all settings, as Markdown. */
export function referenceMarkdown(): string {
  const tables = sections().map(({ path, sentence, rows }) => {
    const lines = rows.map(row => {
      const given = [row.variable && code(row.variable), row.flag && code(`--${row.flag}`)].filter(Boolean).join('<br>')
      const fallback = row.required ? 'required' : row.default === undefined ? '' : code(row.default)
      return `| ${code(row.path)} | ${given} | ${fallback} | ${cell(`${row.sentence} ${row.expects}.`)} |`
    })
    const table = rows.length > 0 ? ['', '| Setting | Variable, flag | Default | |', '|---|---|---|---|', ...lines] : []
    return [`## ${path === '' ? 'General' : code(path)}`, '', sentence, ...table].join('\n')
  })
  return `${[introduction, ...tables].join('\n\n')}\n`
}

function code(text: string): string {
  return `\`${cell(text)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/**
 * A configuration file in which every setting is explained and commented out. Lines that begin with `#` and no space after
 * it are settings: without the `#`, they are a configuration that loads.
 */
export function exampleYaml(): string {
  const lines = [
    '# Configuration of reelport. Every setting is optional; a line such as "#port: 2049" is a setting at its default, or',
    '# an example where it has none: remove the # to set it.',
    '',
    ...groupLines(settings, ''),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

/** `commented` where the groups around are commented out, so that those inside have to be too. */
function groupLines(group: Group, indent: string, commented = false): string[] {
  return Object.entries(group.members).flatMap(([name, member]) => memberLines(name, member, indent, commented))
}

function memberLines(name: string, member: Node, indent: string, commented: boolean): string[] {
  const top = indent === '' && member.node !== 'setting' ? [''] : []
  const prose = [...top, `${indent}# ${member.sentence}`]
  if (member.node === 'group') {
    return [...prose, `${indent}${commented ? '#' : ''}${name}:`, ...groupLines(member, `${indent}  `, commented)]
  }
  if (member.node === 'entries') {
    const lines = groupLines(member.each, `${indent}    `, true)
    const first = lines.findIndex(line => /^ *#[^ ]/.test(line))
    lines[first] = `${indent}  #- ${lines[first]!.slice(indent.length + 5)}`
    return [...prose, `${indent}${name}:`, ...lines]
  }
  const value = member.fallback ?? member.example ?? ''
  const written = typeof value === 'string' ? scalar(value) : `[${value.map(scalar).join(', ')}]`
  return [...prose, `${indent}${member.alternative ? '# Or: ' : '#'}${name}: ${written}`]
}

/** A value as YAML: plain where that is safe in lists too, else in single quotes. */
function scalar(text: string): string {
  return /^[\w./~-][\w./:~-]*$/.test(text) && !text.endsWith(':') ? text : `'${text.replaceAll("'", "''")}'`
}
