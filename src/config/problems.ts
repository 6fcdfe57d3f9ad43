/** One thing that is wrong with the configuration. Holds no secret. */
export interface Problem {
  /** File with line and column, variable or flag, as precisely as is known. */
  readonly where: string
  /** Which setting, and what was found. */
  readonly message: string
  /** What would be right. */
  readonly hint?: string
}

/** Everything that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const ordered = inOrder(problems)
    super(reportProblems(ordered))
    this.problems = ordered
  }
}

/** Each problem on a line of its own, what would be right below it, for people. */
export function reportProblems(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const lines = problems.map(
    ({ where, message, hint }) =>
      `  ${where}: ${message}${hint ? `\n    ${hint}${hint.endsWith('?') ? '' : '.'}` : ''}`,
  )
  return [`The configuration has ${count}:`, ...lines].join('\n')
}

/** What is in the same file together and from top to bottom; otherwise in the order of finding. */
function inOrder(problems: readonly Problem[]): readonly Problem[] {
  const places = problems.map(({ where }) => /^(.*?)(?::(\d+)(?::(\d+))?)?$/s.exec(where)!)
  const sources = [...new Set(places.map(([, source]) => source))]
  const keyOf = (index: number) => {
    const [, source, line = '0', column = '0'] = places[index]!
    return [sources.indexOf(source), Number(line), Number(column)] as const
  }
  const keyed = problems.map((problem, index) => ({ problem, key: keyOf(index) }))
  keyed.sort(({ key: a }, { key: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
  return keyed.map(({ problem }) => problem)
}
