import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** All names begin with this. */
const PREFIX = 'reelport_'
/** Series of one metric: labels are closed sets, so more than this is a mistake, and the rest is left out. */
const MAX_SERIES = 500
/** How often the event loop's delay is sampled. */
const LOOP_SAMPLE_MS = 20
const LOOP_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

/** One number, or one for each value of the labels: `{ GETATTR: 7 }` by one label, `[{ procedure, status }, 7]` by several. */
export type Reading =
  | number
  | Readonly<Record<string, number>>
  | Iterable<readonly [labels: Readonly<Record<string, string>>, value: number]>

/** How one metric is read from a snapshot of type `S`. */
export interface MetricSource<S> {
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly labels: readonly string[]
  read(stats: S): Reading
}

/** A number that only grows; its name ends in `_total`. `labels` are the names of its labels, if it has any. */
export function counter<S>(help: string, read: (stats: S) => Reading, ...labels: string[]): MetricSource<S> {
  return { kind: 'counter', help, labels, read }
}

/** A number that goes up and down. */
export function gauge<S>(help: string, read: (stats: S) => Reading, ...labels: string[]): MetricSource<S> {
  return { kind: 'gauge', help, labels, read }
}

/** The numbers of this process, as Prometheus reads them. */
export interface Metrics extends Disposable {
  /** The media type of `text()`. */
  readonly contentType: string
  /** All metrics in Prometheus' text format 0.0.4. */
  text(): Promise<string>
  /**
   * Publishes what `snapshot()` counts as `reelport_<part>_<name>`. It is taken once for each scrape, however many metrics
   * are read from it. When it throws, this part is missing from that scrape and `reelport_scrape_failures_total` grows.
   *
   * @throws Error for a name or label that Prometheus does not take, a counter that is not called `_total`, or a name taken.
   */
  register<S>(part: string, snapshot: () => S, sources: Readonly<Record<string, MetricSource<S>>>): void
  /** For what cannot be counted in a snapshot, such as a histogram; give names the prefix `reelport_`. */
  readonly registry: Registry
}

/** Starts with the process' own metrics (memory, CPU, garbage collection) and the event loop's delay. */
export function openMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: PREFIX, eventLoopMonitoringPrecision: 1_000 })
  // Replaced by the histogram below: gauges of a moving window say NaN between two scrapes, and cannot be summed up.
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.includes('eventloop_lag')) registry.removeSingleMetric(name)
  }
  const loop = sampleEventLoop(registry)
  const failures = new Counter({
    name: `${PREFIX}scrape_failures_total`,
    help: 'Times that a part could not say its numbers.',
    labelNames: ['part'],
    registers: [registry],
  })
  let scrape = 0

  return {
    registry,
    contentType: registry.contentType,
    async text() {
      scrape++
      return await registry.metrics()
    },
    register(part, snapshot, sources) {
      const stats = oncePerScrape(() => scrape, snapshot)
      for (const [name, source] of Object.entries(sources)) {
        publish(registry, `${PREFIX}${part}_${name}`, source, () => {
          try {
            return series(source, stats())
          } catch {
            failures.inc({ part })
            return []
          }
        })
      }
    },
    [Symbol.dispose]: () => clearInterval(loop),
  }
}

function oncePerScrape<T>(scrape: () => number, take: () => T): () => T {
  let at = -1
  let taken: { readonly value: T } | { readonly error: unknown }
  return () => {
    if (at !== scrape()) {
      at = scrape()
      try {
        taken = { value: take() }
      } catch (error) {
        taken = { error }
      }
    }
    if ('error' in taken) throw taken.error
    return taken.value
  }
}

type Series = readonly (readonly [labels: Record<string, string>, value: number])[]

function publish<S>(registry: Registry, name: string, source: MetricSource<S>, read: () => Series): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`Not a metric's name: ${JSON.stringify(name)}`)
  if (name.endsWith('_total') !== (source.kind === 'counter')) {
    throw new Error(`${name}: the names of counters, and of nothing else, end in _total`)
  }
  const settings = { name, help: source.help, labelNames: source.labels, registers: [registry] }
  if (source.kind === 'gauge') {
    new Gauge({
      ...settings,
      collect() {
        this.reset()
        if (source.labels.length === 0) this.remove() // reset() leaves it at 0, which is not what a missing number means
        for (const [labels, value] of read()) this.set(labels, value)
      },
    })
  } else {
    new Counter({
      ...settings,
      collect() {
        this.reset()
        if (source.labels.length === 0) this.remove()
        for (const [labels, value] of read()) this.inc(labels, value)
      },
    })
  }
}

function series<S>({ kind, labels, read }: MetricSource<S>, stats: S): Series {
  const reading = read(stats)
  const pairs: (readonly [Record<string, string>, number])[] = []
  if (typeof reading === 'number') pairs.push([{}, reading])
  else if (isIterable(reading)) for (const [names, value] of reading) pairs.push([{ ...names }, value])
  else for (const [label, value] of Object.entries(reading)) pairs.push([{ [labels[0]!]: label }, value])
  for (const [names] of pairs) {
    if (Object.keys(names).sort().join() !== [...labels].sort().join())
      throw new Error('labels that were not announced')
  }
  return pairs.filter(([, value]) => (kind === 'gauge' ? !Number.isNaN(value) : value >= 0)).slice(0, MAX_SERIES)
}

function isIterable<T>(value: object | Iterable<T>): value is Iterable<T> {
  return Symbol.iterator in value
}

/** A timer that should fire every 20 ms and notes how late it was: what a call waits for when the loop is busy. */
function sampleEventLoop(registry: Registry): NodeJS.Timeout {
  const delay = new Histogram({
    name: `${PREFIX}event_loop_delay_seconds`,
    help: 'How late a timer of the main thread fired.',
    buckets: LOOP_BUCKETS_SECONDS,
    registers: [registry],
  })
  let due = performance.now() + LOOP_SAMPLE_MS
  return setInterval(() => {
    const now = performance.now()
    delay.observe(Math.max(0, now - due) / 1000)
    due = now + LOOP_SAMPLE_MS
  }, LOOP_SAMPLE_MS).unref()
}
