import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'

/** The examples of docs/demo.md: the last column of the tables that have one. */
export class Examples<Value> {
  readonly #waiting: Map<string, string[]>

  /** Those of the table that comes first after a text. @throws Error when there is none. */
  constructor(after: string) {
    const text = readFileSync(join(import.meta.dirname, '../../docs/demo.md'), 'utf8')
    const from = text.indexOf(after)
    const [table] = /^\| \w+ \| [\w ]+ \| examples \|\n(?:\|.*\n)+/m.exec(text.slice(from)) ?? []
    if (from < 0 || table === undefined) throw new Error(`docs/demo.md has no table of examples after "${after}"`)
    const rows = table.split('\n').slice(2, -1)
    this.#waiting = new Map(
      rows.map(row => {
        const [names = '', , examples = ''] = row.replace(/^\| | \|$/g, '').split(' | ')
        return [/`(\w+)`/.exec(names)![1]!, [...examples.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)]
      }),
    )
  }

  /** The next example in the row that begins with a name, as a value. @throws Error when all of them were taken. */
  next(name: string): Value {
    const code = this.#waiting.get(name)?.shift()
    if (code === undefined) throw new Error(`docs/demo.md has no further example of ${name}`)
    return JSON.parse(JSON.stringify(runInNewContext(`(${code})`)))
  }

  /** Those that no test took. */
  get rest(): readonly string[] {
    return [...this.#waiting.values()].flat()
  }
}
