import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import type { Tree, Written } from './model.ts'
import type { Problem } from './problems.ts'

/** A YAML document as text, lists and groups; empty values are left out. */
export interface YamlTree {
  readonly tree: Tree
  readonly problems: readonly Problem[]
  /** `name:line:column` of what is at `path`, or of the nearest thing around it. */
  where(path: readonly PropertyKey[]): string
}

const MAX_NODES = 20_000
const MAX_DEPTH = 20

/**
 * Reads YAML without its types: `012` and `yes` stay the text that was written, for each setting knows best what it
 * wants. Problems never quote the text, because any part of it may be a secret.
 */
export function parseYaml(text: string, name: string): YamlTree {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    schema: 'failsafe',
    prettyErrors: false,
    lineCounter: lines,
    logLevel: 'error',
  })
  const at = (offset: number | undefined) => {
    if (offset === undefined) return name
    const { line, col } = lines.linePos(offset)
    return `${name}:${line}:${col}`
  }
  const faults = [...document.errors, ...document.warnings]
  const problems: Problem[] = faults.map(({ code, pos }) => ({ where: at(pos[0]), ...syntaxProblem(code) }))
  const places = new Map<string, string>()
  let nodes = 0

  function convert(node: Node | null | undefined, path: readonly PropertyKey[]): Written | undefined {
    if (++nodes > MAX_NODES || path.length > MAX_DEPTH) {
      if (nodes <= MAX_NODES + 1)
        problems.push({ where: at(node?.range?.[0]), message: 'is nested too deeply or too long' })
      nodes = Number.POSITIVE_INFINITY
      return undefined
    }
    const key = path.join('\0')
    if (!places.has(key)) places.set(key, at(node?.range?.[0]))
    if (isAlias(node) || node?.anchor !== undefined || node?.tag !== undefined) {
      // Nothing here needs anchors and tags, and a password that begins with one of * & ! would be lost.
      problems.push({ where: at(node?.range?.[0]), ...syntaxProblem('BAD_ALIAS') })
      return undefined
    }
    if (isScalar(node)) {
      const value = String(node.value ?? '')
      return node.type === 'PLAIN' && /^(|~|null)$/i.test(value) ? undefined : value
    }
    if (isSeq(node)) return node.items.map((item, index) => convert(item as Node, [...path, index]) ?? '')
    if (!isMap(node)) return undefined
    const tree: Record<string, Written> = Object.create(null)
    for (const pair of node.items) {
      const keyNode = pair.key as Node
      if (!isScalar(keyNode)) {
        problems.push({ where: at(keyNode?.range?.[0]), message: 'the name of a setting is no plain text' })
        continue
      }
      const inner = [...path, String(keyNode.value)]
      places.set(inner.join('\0'), at(keyNode.range?.[0]))
      const value = convert(pair.value as Node | null, inner)
      if (value !== undefined) tree[String(keyNode.value)] = value
    }
    return tree
  }

  const root = problems.length > 0 ? undefined : convert(document.contents, [])
  if (root !== undefined && (typeof root === 'string' || Array.isArray(root))) {
    problems.push({
      where: `${name}:1:1`,
      message: 'is not a file of settings',
      hint: 'Write lines such as data: ./data',
    })
  }
  return {
    tree: root !== undefined && typeof root !== 'string' && !Array.isArray(root) ? (root as Tree) : {},
    problems,
    where(path) {
      for (let length = path.length; length > 0; length--) {
        const place = places.get(path.slice(0, length).join('\0'))
        if (place !== undefined) return place
      }
      return name
    },
  }
}

function syntaxProblem(code: string): Omit<Problem, 'where'> {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { message: 'this setting is there twice', hint: 'Remove one of them' }
    case 'TAB_AS_INDENT':
      return { message: 'a line begins with a tab', hint: 'Indent with spaces' }
    case 'BAD_INDENT':
      return {
        message: 'the indentation does not fit the lines around it',
        hint: 'Indent settings of a group alike, and close every bracket',
      }
    case 'BAD_SCALAR_START':
    case 'BAD_ALIAS':
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_DIRECTIVE':
      return { message: 'a value begins with a character that means something else in YAML', hint: 'Put it in quotes' }
    case 'BAD_DQ_ESCAPE':
      return { message: 'a backslash in double quotes means something else in YAML', hint: 'Use single quotes' }
    case 'MISSING_CHAR':
      return { message: 'a quote, bracket, comma or colon is missing', hint: 'Close what is opened here' }
    case 'MULTIPLE_DOCS':
      return { message: 'a second document begins here', hint: 'Remove the line ---' }
    default:
      return { message: 'is not YAML from here on', hint: 'Write name: value, and indent settings of a group alike' }
  }
}
