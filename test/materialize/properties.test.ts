import { rmSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { MaterializeError } from '../../src/materialize/index.ts'
import { type Fault, testBytes } from '../lib/fake-source.ts'
import { passingTime, startMaterializing } from '../lib/materializing.ts'

const MiB = 2 ** 20
const fileBytes = 9 * MiB + 12_345

const fault: fc.Arbitrary<Fault | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.record({
    type: fc.constant('fail' as const),
    code: fc.constantFrom('busy', 'no-slot', 'timed-out', 'unreachable', 'failed', 'preempted', 'gone', 'not-media'),
  }),
  fc.record({
    type: fc.constant('break' as const),
    after: fc.nat(2 * MiB),
    code: fc.constantFrom('cut-short', 'timed-out', 'failed', 'preempted', 'busy'),
  }),
  fc.record({ type: fc.constant('short' as const), after: fc.nat(2 * MiB) }),
  fc.constant({ type: 'long' as const }),
)

type Step =
  | { readonly do: 'read'; readonly file: number; readonly at: number; readonly length: number }
  | { readonly do: 'play'; readonly file: number; readonly at: number; readonly pieces: number }
  | { readonly do: 'fault'; readonly file: number; readonly fault: Fault | undefined }
  | { readonly do: 'give up'; readonly file: number; readonly at: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'restart' }
  | { readonly do: 'delete' }

const file = fc.nat(2)
const at = fc.oneof(fc.nat(fileBytes - 1), fc.constantFrom(0, fileBytes - 1, 4 * MiB, 8 * MiB))
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('read' as const), file, at, length: fc.integer({ min: 1, max: MiB }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('play' as const), file, at, pieces: fc.integer({ min: 2, max: 12 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fault' as const), file, fault }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('give up' as const), file, at }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(300, 5_000, 40_000, 100_000) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'delete' as const }) },
)

/** What may go wrong for a reader: that it is told why. */
function onlyTold(error: unknown): void {
  if (!(error instanceof MaterializeError) || error.code !== 'unreadable') throw error
}

t.setTimeout(600_000) // for many runs by hand

t.test(
  'whatever is read, breaks, is evicted, deleted or restarted: readers get the bytes of the file, or a reason',
  async t => {
    t.setTimeout(600_000)
    const bytes = [1, 2, 3].map(seed => testBytes(fileBytes, seed))
    let run = 0
    const runs = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.constantFrom(6 * MiB, 14 * MiB, 100 * MiB),
      fc.constantFrom(1, 3, undefined),
      fc.boolean(),
      async (steps, budgetBytes, slots, ranged) => {
        const directory = t.testdir({ [`run-${run++}`]: {} })
        await using it = await startMaterializing(t, {
          directory,
          budgetBytes,
          overflowBytes: 4 * MiB,
          ...(slots && { slots }),
        })
        const renditions = bytes.map((content, id) =>
          it.add(id + 1, { bytes: content, etag: `"${id}"`, ranged, faults: [] }),
        )
        const running: Promise<void>[] = []
        const begin = (work: Promise<void>): void => {
          work.catch(() => {}) // awaited with the others; after one has failed nobody waits for the rest
          running.push(work)
        }
        const read = (which: number, from: number, length: number, signal?: AbortSignal) =>
          it.read(from, Math.min(length, fileBytes - from), signal, renditions[which])
        for (const step of steps) {
          if (step.do === 'read') begin(read(step.file, step.at, step.length).catch(onlyTold))
          if (step.do === 'play') begin(play(step).catch(onlyTold))
          if (step.do === 'fault') it.source.files.get(`${step.file + 1}`)!.faults!.push(step.fault)
          if (step.do === 'give up') {
            const controller = new AbortController()
            const given = read(step.file, step.at, MiB, controller.signal)
            setImmediate(() => controller.abort(new Error('given up')))
            begin(given.catch(error => (error.message === 'given up' ? undefined : onlyTold(error))))
          }
          if (step.do === 'pass') await it.clock.advance(step.ms)
          if (step.do === 'delete') rmSync(it.directory, { recursive: true, force: true })
          if (step.do === 'restart') {
            await passingTime(it.clock, Promise.all(running))
            running.length = 0
            await it.restart()
          }
          await new Promise(resolve => setImmediate(resolve))
        }
        await passingTime(it.clock, Promise.all(running))

        async function play({ file, at, pieces }: Extract<Step, { do: 'play' }>): Promise<void> {
          for (let piece = 0, from = at; piece < pieces && from < fileBytes; piece++, from += 200_000) {
            await read(file, from, 200_000)
          }
        }
        if (it.changes.some(({ kind }) => kind === 'changed')) throw new Error('It was taken for another version')
        if (it.materializer.stats().waiting > 0) throw new Error('A read still waits')
      },
    )
    await t.resolves(fc.assert(runs, { numRuns: Number(process.env.RUNS ?? 40), endOnFailure: true }))
  },
)
