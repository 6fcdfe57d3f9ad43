import type { RowFaults } from './faults.ts'
import type { Row } from './rows.ts'

/** Rows nobody can use, in turns. */
const rubbish: readonly unknown[] = [
  null,
  0,
  'not a row',
  [],
  {},
  { name: 'A row without an id' },
  { stream_id: {}, series_id: [] },
]
/** Numbers that clients can do without; the others (ids, positions) stay readable. */
const dispensable = new Set([
  'rating',
  'rating_5based',
  'episode_run_time',
  'tv_archive',
  'tv_archive_duration',
  'parent_id',
])

/** The rows as the faults have them, and between them rows that are none. */
export function* irregular(rows: Iterable<Row>, faults: RowFaults): Generator<unknown> {
  const { badRowEvery = 0 } = faults
  let at = 0
  for (const row of rows) {
    if (badRowEvery > 0 && at % badRowEvery === 0) yield rubbish[(at / badRowEvery) % rubbish.length]
    yield irregularRow(row, faults, at++)
  }
}

function irregularRow(row: Row, faults: RowFaults, at: number): Row {
  const { names, extensions } = faults
  if (names === undefined && extensions === undefined && faults.numbers === undefined) return row
  const changed = { ...row }
  if (names !== undefined && at % 3 === 0) {
    if (names === 'missing') delete changed.name
    else changed.name = names === 'null' ? null : ''
  }
  if (extensions !== undefined && 'container_extension' in row) {
    if (extensions === 'missing') delete changed.container_extension
    else changed.container_extension = extensions === 'null' ? null : ''
  }
  return irregularNumbers(changed, faults, at) as Row
}

/** Any JSON with its numbers as the faults have them; `turn` says where the turns of `mixed` begin. */
export function irregularNumbers(value: unknown, { numbers }: RowFaults, turn = 0): unknown {
  if (numbers === undefined) return value
  let count = turn
  const change = (value: unknown, name: string): unknown => {
    if (Array.isArray(value)) return value.map(each => change(each, name))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each, key)]))
    }
    if (typeof value !== 'number') return value
    if (numbers === 'strings') return String(value)
    const turns = dispensable.has(name) ? [value, String(value), '', null] : [value, String(value)]
    return turns[count++ % turns.length]
  }
  return change(value, '')
}
