/** One line of numbers in Prometheus' text format. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
  /** The number of the series with exactly these labels. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const VALUE = '[+-]?(?:Inf|\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)|NaN'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const sampleLine = new RegExp(`^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)?,?\\})? (${VALUE})(?: -?\\d+)?$`)
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

/**
 * Reads Prometheus' text exposition format 0.0.4 strictly, by its published grammar: throws for any line that does not
 * follow it, samples without or outside their TYPE, series that occur twice, and histograms that do not add up.
 */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const known = new Map<string, string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name, rest = ''] = /^# (HELP|TYPE) (\S+)(?: (.*))?$/.exec(line) ?? []
    if (line === '') continue
    if (keyword === 'HELP') {
      if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw new Error(`bad escape in ${line}`)
    } else if (keyword === 'TYPE') {
      if (known.has(name!) || !types.includes(rest)) throw new Error(`bad or repeated: ${line}`)
      known.set(name!, rest)
      current = name!
    } else if (!line.startsWith('#')) {
      const sample = parseSample(line)
      const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }
      const allowed = suffixes[known.get(current) as 'histogram' | 'summary'] ?? ['']
      if (!allowed.some(suffix => sample.name === current + suffix)) throw new Error(`not part of ${current}: ${line}`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (seen.has(key)) throw new Error(`twice: ${line}`)
      seen.add(key)
      samples.push(sample)
    }
  }
  for (const [name, type] of known) if (type === 'histogram') checkHistogram(name, samples)
  return {
    types: known,
    samples,
    value: (name, labels = {}) =>
      samples.find(
        sample =>
          sample.name === name &&
          Object.keys(sample.labels).length === Object.keys(labels).length &&
          Object.entries(labels).every(
            ([label, value]) => Object.hasOwn(sample.labels, label) && sample.labels[label] === value,
          ),
      )?.value,
  }
}

function parseSample(line: string): Sample {
  const [, name, list = '', number] = sampleLine.exec(line) ?? []
  if (name === undefined || number === undefined) throw new Error(`not a sample: ${line}`)
  const labels: Record<string, string> = {}
  for (const [, label, value] of list.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g)) {
    if (Object.hasOwn(labels, label!)) throw new Error(`label twice: ${line}`)
    labels[label!] = value!.replace(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped))
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) }
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const buckets = samples.filter(sample => sample.name === `${name}_bucket`)
  const without = (labels: Sample['labels']) =>
    JSON.stringify(
      Object.entries(labels)
        .filter(([label]) => label !== 'le')
        .sort(),
    )
  for (const group of new Set(buckets.map(({ labels }) => without(labels)))) {
    const own = buckets.filter(({ labels }) => without(labels) === group)
    const bounds = own.map(({ labels }) => Number(labels.le!.replace('Inf', 'Infinity')))
    const count = samples.find(sample => sample.name === `${name}_count` && without(sample.labels) === group)
    const grows = own.every(({ value }, index) => index === 0 || value >= own[index - 1]!.value)
    const sorted = bounds.every((bound, index) => index === 0 || bound > bounds[index - 1]!)
    if (!grows || !sorted || bounds.at(-1) !== Number.POSITIVE_INFINITY || own.at(-1)!.value !== count?.value) {
      throw new Error(`the buckets of ${name} do not add up`)
    }
  }
}
