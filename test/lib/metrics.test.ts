import fc from 'fast-check'
import t from 'tap'
import { counter, gauge, openMetrics } from '../../src/lib/metrics.ts'
import { parseExposition } from './exposition.ts'

t.test('what a part counts is read once for each scrape and comes out as Prometheus text', async t => {
  using metrics = openMetrics()
  let taken = 0
  const calls = { GETATTR: 3, LOOKUP: 0 }
  metrics.register('nfs', () => ({ taken: ++taken, calls }), {
    open_connections: gauge('Clients connected now.', () => 4),
    calls_total: counter('Calls answered.', s => s.calls, 'procedure'),
    snapshots_total: counter('Snapshots.', s => s.taken),
    replies_total: counter(
      'Replies, with a "quote", a \\ and\na second line.',
      () => [[{ procedure: 'READ', status: 'a "b" \\ \n c' }, 9]] as const,
      'procedure',
      'status',
    ),
  })
  let text = parseExposition(await metrics.text())
  t.equal(text.value('reelport_nfs_open_connections'), 4)
  t.equal(text.value('reelport_nfs_calls_total', { procedure: 'GETATTR' }), 3)
  t.equal(text.value('reelport_nfs_calls_total', { procedure: 'LOOKUP' }), 0, 'a zero is a number too')
  t.equal(text.value('reelport_nfs_snapshots_total'), 1)
  t.equal(text.value('reelport_nfs_replies_total', { procedure: 'READ', status: 'a "b" \\ \n c' }), 9)
  calls.GETATTR = 12
  text = parseExposition(await metrics.text())
  t.equal(text.value('reelport_nfs_calls_total', { procedure: 'GETATTR' }), 12)
  t.equal(text.value('reelport_nfs_snapshots_total'), 2)
})

t.test('the process and its event loop are always among them, all under one prefix', async t => {
  using metrics = openMetrics()
  const text = parseExposition(await metrics.text())
  for (const name of ['reelport_process_resident_memory_bytes', 'reelport_process_cpu_seconds_total']) {
    t.ok((text.value(name) ?? 0) > 0, name)
  }
  t.equal(text.types.get('reelport_event_loop_delay_seconds'), 'histogram')
  for (const name of text.types.keys()) t.ok(name.startsWith('reelport_'), name)
  t.match(metrics.contentType, /^text\/plain; version=0\.0\.4/)
})

t.test('a part that cannot say its numbers costs only its own', async t => {
  using metrics = openMetrics()
  metrics.register('ill', () => fail('no numbers today'), { size_bytes: gauge('Size.', () => 1) })
  metrics.register('odd', () => ({}), {
    a_total: counter('Unannounced label.', () => ({ x: 1 })),
    b_bytes: gauge('Throws.', () => fail('nor here')),
    c_bytes: gauge('Fine.', () => 7),
    d_total: counter('Not a count.', () => -1),
    e_ratio: gauge('Not a number.', () => Number.NaN),
  })
  const text = parseExposition(await metrics.text())
  t.equal(text.value('reelport_odd_c_bytes'), 7)
  for (const name of ['ill_size_bytes', 'odd_a_total', 'odd_b_bytes', 'odd_d_total', 'odd_e_ratio']) {
    t.equal(text.value(`reelport_${name}`), undefined, name)
  }
  const later = parseExposition(await metrics.text())
  t.ok((later.value('reelport_scrape_failures_total', { part: 'ill' }) ?? 0) >= 1)
})

t.test('names and labels are checked when they are registered, and series are bounded', async t => {
  using metrics = openMetrics()
  const register = (name: string, source = gauge('Help.', () => 1)) =>
    metrics.register('x', () => ({}), { [name]: source })
  t.throws(() => register('Calls'), /Not a metric's name/)
  t.throws(() => register('a b'), /Not a metric's name/)
  t.throws(() => register('calls_total'), /end in _total/)
  t.throws(
    () =>
      register(
        'calls',
        counter('Help.', () => 1),
      ),
    /end in _total/,
  )
  register('same')
  t.throws(() => register('same'), /already been registered/)
  const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`v${index}`, index]))
  register(
    'many',
    gauge('Too many.', () => many, 'value'),
  )
  const text = parseExposition(await metrics.text())
  t.equal(text.samples.filter(({ name }) => name === 'reelport_x_many').length, 500)
})

t.test('whatever a label holds, the text stays readable and means the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.nat(), { maxKeys: 8 }), async values => {
      using metrics = openMetrics()
      metrics.register('p', () => values, { n_total: counter('Any.', s => s, 'label') })
      const text = parseExposition(await metrics.text())
      for (const [label, value] of Object.entries(values)) {
        if (text.value('reelport_p_n_total', { label }) !== value) return false
      }
      return text.samples.filter(({ name }) => name === 'reelport_p_n_total').length === Object.keys(values).length
    }),
    { numRuns: 20 },
  )
})

function fail(message: string): never {
  throw new Error(message)
}
