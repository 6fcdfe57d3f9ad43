/** A line of the log, as it was written. */
export interface LogLine {
  /** Counts from 1 since the start. */
  readonly number: number
  readonly level: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly part: string | undefined
  readonly message: string
  /** What else was noted, as JSON; empty for nothing. */
  readonly fields: string
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

const levels: readonly string[] = ['debug', 'info', 'warn', 'error', 'fatal']
const maxFieldCharacters = 2_000

/** The last lines of the log in memory, each level's by itself, so that many of little weight do not drive out the others. */
export class LogTail {
  readonly #linesOf: ReadonlyMap<string, LogLine[]> = new Map(levels.map(level => [level, []]))
  readonly #limit: number
  #written = 0

  /** `limit` is how many lines of each level are kept. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes one line of JSON, as the log writes it: what is secret is unreadable there already. */
  write(json: string): void {
    const { level, time, part, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
    const lines = this.#linesOf.get(String(level))
    if (lines === undefined) return
    lines.push({
      number: ++this.#written,
      level: String(level),
      at: Date.parse(String(time)),
      part: typeof part === 'string' ? part : undefined,
      message: String(msg ?? ''),
      fields: Object.keys(fields).length > 0 ? JSON.stringify(fields).slice(0, maxFieldCharacters) : '',
    })
    if (lines.length > this.#limit) lines.shift()
  }

  /** Up to `limit` lines of this level and above, the latest first. */
  list(least: LogLevel, limit: number): readonly LogLine[] {
    const wanted = levels.slice(levels.indexOf(least))
    return wanted
      .flatMap(level => this.#linesOf.get(level)!)
      .sort((a, b) => b.number - a.number)
      .slice(0, limit)
  }

  /** How many lines there were since the start. */
  get written(): number {
    return this.#written
  }
}
