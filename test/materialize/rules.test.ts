import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  type EntryEvent,
  type EntryState,
  type FailureCode,
  next,
  patientTries,
  well,
} from '../../src/materialize/entry.ts'
import { chooseEvictions } from '../../src/materialize/eviction.ts'
import * as ranges from '../../src/materialize/ranges.ts'
import {
  aheadOf,
  follow,
  headBytes,
  isSequential,
  maxWindowBytes,
  planFetch,
  tailBytes,
} from '../../src/materialize/read-ahead.ts'
import { difference } from '../../src/materialize/validator.ts'

const size = 64
const span = fc.tuple(fc.nat(size), fc.nat(size)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
const change = fc.tuple(fc.boolean(), span)

/** Checks a property as an assertion of its own. */
function holds<T>(t: Test, property: fc.IProperty<T>, parameters: fc.Parameters<T> = {}): void {
  t.doesNotThrow(() => fc.assert(property, parameters))
}

/** The same set, as one boolean for each offset. */
function bothWays(changes: readonly (readonly [boolean, readonly [number, number]])[]) {
  let set = ranges.noRanges
  const bitmap = new Array<boolean>(size).fill(false)
  for (const [isAdd, [from, to]] of changes) {
    set = isAdd ? ranges.add(set, from, to) : ranges.subtract(set, from, to)
    bitmap.fill(isAdd, from, to)
  }
  return { set, bitmap }
}

const bitsOf = (set: ranges.Ranges) => {
  const bits = new Array<boolean>(size).fill(false)
  for (const { from, to } of ranges.each(set)) bits.fill(true, from, to)
  return bits
}

t.test('a set of ranges is what a bitmap would be', async t => {
  holds(
    t,
    fc.property(
      fc.array(change, { maxLength: 20 }),
      span,
      fc.integer({ min: 1, max: 8 }),
      (changes, [from, to], length) => {
        const { set, bitmap } = bothWays(changes)
        const inside = (value: boolean) => bitmap.map((bit, at) => at >= from && at < to && bit === value)
        const sameBits = (one: readonly boolean[], other: readonly boolean[]) =>
          one.every((bit, at) => bit === other[at])
        const ascending = set.every((edge, at) => at === 0 || edge > set[at - 1]!)
        const hole = ranges.holeAt(set, from, size)
        let holeFrom = from
        let holeTo = from
        while (holeFrom > 0 && !bitmap[holeFrom - 1]) holeFrom--
        while (holeTo < size && !bitmap[holeTo]) holeTo++
        const here = bitmap.indexOf(false, from)
        const following = [...ranges.each(set)].find(
          range => range.from > from && range.to - range.from >= length,
        )?.from
        return (
          ascending &&
          set.length % 2 === 0 &&
          sameBits(bitsOf(set), bitmap) &&
          sameBits(bitsOf(ranges.within(set, from, to)), inside(true)) &&
          sameBits(bitsOf(ranges.missing(set, from, to)), inside(false)) &&
          ranges.contains(set, from, to) === bitmap.slice(from, to).every(bit => bit) &&
          ranges.byteCount(set) === bitmap.filter(bit => bit).length &&
          ranges.firstMissing(set, from) === (here === -1 ? size : here) &&
          ranges.nextRange(set, from, length) === following &&
          (from === size || bitmap[from] ? hole === undefined : hole?.from === holeFrom && hole.to === holeTo)
        )
      },
    ),
    { numRuns: 2_000 },
  )
})

t.test('ranges survive being stored, and nonsense is not taken for ranges', async t => {
  const edges = fc.uniqueArray(fc.nat({ max: 2 ** 45 }), { maxLength: 20 }).map(all => all.sort((a, b) => a - b))
  holds(
    t,
    fc.property(edges, all => {
      const set = all.length % 2 === 0 ? all : all.slice(1)
      const back = ranges.decodeRanges(ranges.encodeRanges(set), 2 ** 45)
      return back !== undefined && back.length === set.length && back.every((edge, at) => edge === set[at])
    }),
  )
  holds(
    t,
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      const set = ranges.decodeRanges(bytes, 1_000)
      return (
        set === undefined ||
        (set.length % 2 === 0 && set.every((edge, at) => edge <= 1_000 && edge > (set[at - 1] ?? -1)))
      )
    }),
    { numRuns: 2_000 },
  )
  t.equal(ranges.decodeRanges(ranges.encodeRanges([0, 10]), 9), undefined, 'beyond the end')
  t.equal(ranges.decodeRanges(new Uint8Array(100).fill(0x80), 9), undefined)
})

const failure = (code: FailureCode) => ({ code, message: 'so it was', at: 1_000 })
const states: Record<string, EntryState> = {
  well: well,
  retrying: { at: 'retrying', attempt: 1, refusals: 0, retryAt: 2_000, failure: failure('failed') },
  'retrying for the last time': {
    at: 'retrying',
    attempt: patientTries - 1,
    refusals: 2,
    retryAt: 2_000,
    failure: failure('failed'),
  },
  unreadable: { at: 'unreadable', refusals: 1, retryAt: 2_000, failure: failure('gone') },
  changed: { at: 'changed', failure: failure('size') },
}
const fails = (code: FailureCode, retryAfterMs?: number): EntryEvent => ({
  type: 'failed',
  failure: failure(code),
  now: 1_500,
  random: 0,
  retryAfterMs,
})
const events: Record<string, EntryEvent> = {
  'want early': { type: 'want', now: 1_999 },
  'want when due': { type: 'want', now: 2_000 },
  bytes: { type: 'bytes' },
  gone: fails('gone'),
  refused: fails('refused'),
  failed: fails('failed'),
  'busy, come back': fails('busy', 60_000),
  preempted: fails('preempted'),
  'other size': fails('size'),
}

/** Every state with every event: where it leads, when it is due, and what is to be done. */
const table: Record<string, Record<string, string>> = {
  well: {
    'want early': 'well fetch',
    'want when due': 'well fetch',
    bytes: 'well none',
    gone: 'unreadable 61500 report',
    refused: 'unreadable 61500 refuse',
    failed: 'retrying 1750 wait',
    'busy, come back': 'retrying 61500 wait',
    preempted: 'retrying 1600 wait',
    'other size': 'changed retire',
  },
  retrying: {
    'want early': 'retrying 2000 wait',
    'want when due': 'retrying 2000 fetch',
    bytes: 'well none',
    gone: 'unreadable 61500 report',
    refused: 'unreadable 61500 refuse',
    failed: 'retrying 2000 wait',
    'busy, come back': 'retrying 61500 wait',
    preempted: 'retrying 1600 wait',
    'other size': 'changed retire',
  },
  'retrying for the last time': {
    'want early': 'retrying 2000 wait',
    'want when due': 'retrying 2000 fetch',
    bytes: 'well none',
    gone: 'unreadable 241500 refuse',
    refused: 'unreadable 241500 refuse',
    failed: 'unreadable 121500 refuse',
    'busy, come back': 'unreadable 121500 refuse',
    preempted: 'retrying 1600 wait',
    'other size': 'changed retire',
  },
  unreadable: {
    'want early': 'unreadable 2000 refuse',
    'want when due': 'retrying 2000 fetch',
    bytes: 'well none',
    gone: 'unreadable 121500 refuse',
    refused: 'unreadable 121500 refuse',
    failed: 'unreadable 2000 none',
    'busy, come back': 'unreadable 2000 none',
    preempted: 'unreadable 2000 none',
    'other size': 'changed retire',
  },
  changed: {
    'want early': 'changed refuse',
    'want when due': 'changed refuse',
    bytes: 'changed none',
    gone: 'changed none',
    refused: 'changed none',
    failed: 'changed none',
    'busy, come back': 'changed none',
    preempted: 'changed none',
    'other size': 'changed none',
  },
}

t.test('each event in each state of an entry has its outcome', async t => {
  for (const [from, state] of Object.entries(states)) {
    for (const [what, event] of Object.entries(events)) {
      const [to, effect] = next(state, event)
      const due = 'retryAt' in to ? `${to.retryAt} ` : ''
      t.equal(`${to.at} ${due}${effect}`, table[from]?.[what], `${from}: ${what}`)
    }
  }
})

t.test('a source that keeps failing is asked six times, then once after each growing pause', async t => {
  let state = well
  const effects: string[] = []
  const pauses: number[] = []
  let now = 0
  for (let tries = 0; tries < 9; tries++) {
    const [asked, effect] = next(state, { type: 'want', now })
    t.equal(effect, 'fetch')
    const [failed, outcome] = next(asked, { type: 'failed', failure: failure('failed'), now, random: 0 })
    effects.push(outcome)
    const due = 'retryAt' in failed ? failed.retryAt : 0
    pauses.push(due - now)
    now = due
    state = failed
  }
  t.strictSame(effects, ['wait', 'wait', 'wait', 'wait', 'wait', 'refuse', 'refuse', 'refuse', 'refuse'])
  t.strictSame(pauses, [250, 500, 1_000, 2_000, 4_000, 30_000, 60_000, 120_000, 240_000])
})

t.test('eviction frees enough or everything it may, bodies before heads, the least recently used first', async t => {
  const candidate = fc.record({
    bytes: fc.integer({ min: 1, max: 100 }),
    keep: fc.nat(100),
    busy: fc.boolean(),
    costly: fc.boolean(),
  })
  holds(
    t,
    fc.property(fc.array(candidate, { maxLength: 12 }), fc.nat(600), (all, wanted) => {
      const files = all.map(({ bytes, keep, busy, costly }, id) => ({
        id,
        bytes,
        keepBytes: Math.min(keep, bytes),
        busy,
        costly,
      }))
      const chosen = chooseEvictions(files, wanted)
      const freed = chosen.reduce(
        (sum, { id, drop }) => sum + files[id]!.bytes - (drop === 'body' ? files[id]!.keepBytes : 0),
        0,
      )
      const possible = files.reduce((sum, { bytes, busy }) => sum + (busy ? 0 : bytes), 0)
      const headsTaken = chosen.some(({ id, drop }) => drop === 'all' && files[id]!.keepBytes > 0)
      const bodiesLeft = files.some(
        ({ id, bytes, keepBytes, busy }) => !busy && bytes > keepBytes && !chosen.some(eviction => eviction.id === id),
      )
      const untouched = new Set(files.map(({ id }) => id).filter(id => !chosen.some(eviction => eviction.id === id)))
      const older = chosen
        .filter(({ drop }) => drop === 'body')
        .every(({ id }) =>
          files
            .filter(other => (other.costly === files[id]!.costly ? other.id < id : files[id]!.costly))
            .every(other => other.busy || other.bytes === other.keepBytes || !untouched.has(other.id)),
        )
      return (
        chosen.every(({ id }) => !files[id]!.busy) &&
        new Set(chosen.map(({ id }) => id)).size === chosen.length &&
        freed >= Math.min(wanted, possible) &&
        !(headsTaken && bodiesLeft) &&
        older
      )
    }),
    { numRuns: 2_000 },
  )
})

const MiB = 2 ** 20

t.test(
  'a plan brings the byte that is missing, none that is here at either end, and stays inside the file',
  async t => {
    const files = fc.record({
      size: fc.integer({ min: 1, max: 40 * MiB }),
      present: fc.array(fc.tuple(fc.nat(40 * MiB), fc.integer({ min: 1, max: 6 * MiB })), { maxLength: 6 }),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      length: fc.integer({ min: 1, max: 2 * MiB }),
      sequential: fc.boolean(),
    })
    holds(
      t,
      fc.property(files, ({ size, present, at, length, sequential }) => {
        let set = ranges.noRanges
        for (const [from, bytes] of present) set = ranges.add(set, Math.min(from, size), Math.min(from + bytes, size))
        const offset = ranges.firstMissing(set, Math.floor(at * size))
        if (offset >= size) return true
        const plan = planFetch(
          offset,
          Math.min(size, offset + length),
          { size, ranged: true, present: set },
          sequential,
        )
        const to = plan.to ?? size
        return (
          plan.from <= offset &&
          to > offset &&
          to <= size &&
          ranges.missing(set, plan.from, offset).length <= 2 &&
          !ranges.contains(set, plan.from, plan.from + 1) &&
          !ranges.contains(set, to - 1, to) &&
          (plan.to !== undefined || sequential) &&
          (plan.to === undefined ||
            ranges.nextRange(set, offset, MiB) === undefined ||
            to <= ranges.nextRange(set, offset, MiB)!)
        )
      }),
      { numRuns: 3_000 },
    )
  },
)

t.test('heads and tails are scans, the rest is play, and a server without ranges sends everything', async t => {
  const file = { size: 100 * MiB, ranged: true, present: ranges.noRanges }
  t.strictSame(planFetch(0, 1, file, false), { from: 0, to: MiB, purpose: 'head', priority: 'scan' })
  t.strictSame(planFetch(MiB, MiB + 1, file, true), { from: MiB, to: headBytes, purpose: 'head', priority: 'scan' })
  const tail = planFetch(100 * MiB - 70_000, 100 * MiB - 60_000, file, false)
  t.strictSame(tail, { from: 100 * MiB - 131_072, to: 100 * MiB, purpose: 'tail', priority: 'scan' })
  t.strictSame(planFetch(50 * MiB + 5, 50 * MiB + 9, file, false), {
    from: 50 * MiB,
    to: 50 * MiB + 65_536,
    purpose: 'random',
    priority: 'play',
  })
  t.strictSame(planFetch(50 * MiB, 50 * MiB + 9, file, true), {
    from: 50 * MiB,
    purpose: 'sequential',
    priority: 'play',
  })
  const scanned = { ...file, present: ranges.add(ranges.noRanges, 100 * MiB - 131_072, 100 * MiB) }
  t.strictSame(planFetch(50 * MiB, 50 * MiB + 9, scanned, true), {
    from: 50 * MiB,
    to: 100 * MiB - 131_072,
    purpose: 'sequential',
    priority: 'play',
  })
  t.strictSame(planFetch(50 * MiB, 50 * MiB + 9, { ...file, ranged: false }, true), {
    from: 0,
    purpose: 'whole',
    priority: 'play',
  })
  t.ok(tailBytes < headBytes)
})

t.test(
  'a reader is followed through reads in the order of a kernel that reads ahead, and a seek is another',
  async t => {
    const KiB = 1024
    let streams = follow([], { from: 10 * MiB, to: 10 * MiB + 128 * KiB }, 0)
    for (const at of [2, 1, 4, 3, 5, 7, 6]) {
      streams = follow(streams, { from: 10 * MiB + at * 128 * KiB, to: 10 * MiB + (at + 1) * 128 * KiB }, at)
    }
    t.equal(streams.length, 1)
    t.equal(streams[0]!.position, 11 * MiB)
    t.ok(isSequential(streams[0]!))
    t.equal(aheadOf(streams[0]!, [10 * MiB, 11 * MiB], 50 * MiB), 11 * MiB)
    t.equal(aheadOf(streams[0]!, [0, 50 * MiB], 50 * MiB), undefined, 'nothing is missing')

    streams = follow(streams, { from: 30 * MiB, to: 30 * MiB + 128 * KiB }, 10)
    t.equal(streams.length, 2)
    t.notOk(isSequential(streams[0]!))
  },
)

t.test('read-ahead grows with the reader, to 32 MiB for a fast one and 20 seconds for a slow one', async t => {
  let fast = follow([], { from: 0, to: MiB }, 0)
  let slow = fast
  for (let at = 1; at < 200; at++) {
    fast = follow(fast, { from: at * MiB, to: (at + 1) * MiB }, at * 20)
    slow = follow(slow, { from: at * MiB, to: (at + 1) * MiB }, at * 2_000)
  }
  t.equal(fast[0]!.window, maxWindowBytes)
  t.ok(slow[0]!.window >= 9 * MiB && slow[0]!.window <= 12 * MiB, `${slow[0]!.window / MiB} MiB at 0.5 MiB/s`)
})

t.test('versions differ by size, by strong ETag, else by time', async t => {
  const was = { size: 5, etag: '"a"', lastModified: 'Tue, 15 Nov 1994 12:45:26 GMT' }
  const codes = [
    was,
    { size: 6 },
    { size: 5 },
    { ...was, etag: '"b"' },
    { ...was, etag: 'W/"b"' },
    { ...was, lastModified: 'Tue, 15 Nov 1994 12:45:27 GMT' },
    { size: 5, lastModified: 'Tue, 15 Nov 1994 12:45:27 GMT' },
    { size: 5, lastModified: 'Tuesday, 15-Nov-94 12:45:26 GMT' },
  ].map(found => difference(was, found)?.code)
  t.strictSame(codes, [undefined, 'size', undefined, 'validator', undefined, undefined, 'validator', undefined])
})
