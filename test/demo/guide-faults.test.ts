import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { GuideFaults } from '../../src/demo/index.ts'
import { startDemo } from '../lib/demo.ts'
import { run, without } from '../lib/programs.ts'
import { TestClock } from '../lib/test-clock.ts'
import { Examples } from './examples.ts'
import { addresses, get } from './raw-client.ts'

/** What is wrong with guides, as docs/demo.md has it: its examples are what is set here. */

const MINUTE_MS = 60_000
const clock = new TestClock()
const demo = await startDemo({ guide: { days: 1 } }, { clock })
const small = await startDemo({}, { clock })
t.teardown(async () => {
  await demo[Symbol.asyncDispose]()
  await small[Symbol.asyncDispose]()
})
const examples = new Examples<GuideFaults>('### `guide`')
const guide = async (provider = demo) => (await get(addresses(provider).guide)).body
const good = (await guide()).toString()

interface Programme {
  readonly channel: string
  readonly start: number
  readonly stop: number
}

function programmesOf(text: string): Programme[] {
  const found = text.matchAll(/<programme start="([^"]+)"(?: stop="([^"]+)")? channel="([^"]+)">/g)
  return [...found].map(([, start, stop, channel]) => ({ channel: channel!, start: timeOf(start), stop: timeOf(stop) }))
}

/** `20231114180000 +0100`; NaN for none. */
function timeOf(text = ''): number {
  const [, year, month, day, hour, minute, second, zoneHours, zoneMinutes] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d) ([+-]\d\d)(\d\d)$/.exec(text) ?? []
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zoneHours}:${zoneMinutes}`)
}

/** By channel, in the order of the document. */
const byChannel = (text: string): ReadonlyMap<string, Programme[]> =>
  Map.groupBy(programmesOf(text), ({ channel }) => channel)

/** Each programme as it is and as it should be, with its place among those of its channel, from 1 on. */
function* compared(text: string): Generator<{ is: Programme; should: Programme; before?: Programme; place: number }> {
  for (const [channel, all] of byChannel(good)) {
    const found = byChannel(text).get(channel)!
    for (const [at, should] of all.entries()) {
      yield { is: found[at]!, should, place: at + 1, ...(at > 0 && { before: found[at - 1]! }) }
    }
  }
}

const channelsIn = (text: string) => [...text.matchAll(/<channel id="([^"]+)"><display-name>([^<]+)</g)]

/** What is seen of each fault. One that is new wants its line here, and an example. */
const seen: Record<keyof GuideFaults, (t: import('tap').Test, set: () => void) => Promise<void>> = {
  async bom(t, set) {
    set()
    const body = await guide()
    t.equal(body.toString('hex', 0, 3), 'efbbbf')
    t.equal(body.toString('utf8', 3), good)
  },
  async htmlEntities(t, set) {
    set()
    const text = (await guide()).toString()
    t.match(text, /&[a-z]+(?:acute|grave|circ|uml|cedil);/)
    t.notMatch(text, /[éèêäöüßç]/)
    t.match(good, /[éèêäöüßç]/)
  },
  async rawAmpersands(t, set) {
    set()
    t.match((await guide(small)).toString(), '<title>Tom & Jetty</title>')
    demo.faults.guide = {}
  },
  async latin1(t, set) {
    set()
    const body = await guide()
    t.match(body.toString('latin1', 0, 60), 'encoding="UTF-8"')
    t.throws(() => new TextDecoder('utf-8', { fatal: true }).decode(body))
    t.equal(body.toString('latin1'), good)
  },
  async order(t, set) {
    const lines = async () =>
      (await guide())
        .toString()
        .match(/<(?:channel|programme) /g)!
        .join('')
    set()
    t.match(await lines(), /^(<programme )+(<channel )+$/)
    set()
    t.match(await lines(), /^(<channel (<programme )+)+$/)
    t.match(good.match(/<(?:channel|programme) /g)!.join(''), /^(<channel )+(<programme )+$/, 'the usual one')
  },
  async duplicateChannels(t, set) {
    const before = channelsIn(good)
    set()
    const after = channelsIn((await guide()).toString())
    t.same(
      after.map(([, id, name]) => [id, name]),
      before.flatMap(([, id, name]) => [
        [id, name],
        [id, `${name} (2)`],
      ]),
    )
  },
  async overlapEvery(t, set) {
    set()
    for (const { is, should, place, before } of compared((await guide()).toString())) {
      const early = place % 3 === 0 ? 10 * MINUTE_MS : 0
      t.same([is.start, is.stop], [should.start - early, should.stop])
      if (before !== undefined) t.equal(before.stop - is.start, early)
    }
  },
  async backwardsEvery(t, set) {
    set()
    for (const { is, should, place } of compared((await guide()).toString())) {
      t.same([is.start, is.stop], [should.start, place % 4 === 0 ? should.start - 10 * MINUTE_MS : should.stop])
    }
  },
  async noStopEvery(t, set) {
    set()
    for (const { is, should, place } of compared((await guide()).toString())) {
      t.same([is.start, is.stop], [should.start, place % 5 === 0 ? Number.NaN : should.stop])
    }
  },
}

t.test('a guide without faults is well-formed, and has no gap', { skip: without('xmllint') }, async t => {
  for (const text of [good, (await guide(small)).toString()]) t.equal((await xmllint(t, text)).stderr, '')
  for (const all of byChannel(good).values()) {
    for (const [at, { start }] of all.slice(1).entries()) t.equal(start, all[at]!.stop)
  }
})

for (const [name, look] of Object.entries(seen)) {
  t.test(`guide: ${name}`, async t => {
    await look(t, () => {
      const faults = examples.next(name)
      demo.faults.guide = faults
      small.faults.guide = faults
    })
    demo.faults.guide = {}
    small.faults.guide = {}
    t.equal((await guide()).toString(), good, 'and all is well again')
  })
}

t.test('faults of letters are errors to a reader of XML', { skip: without('xmllint') }, async t => {
  for (const [faults, error] of [
    [{ htmlEntities: true }, /Entity '\w+' not defined/],
    [{ rawAmpersands: true }, /xmlParseEntityRef/],
  ] as const) {
    for (const provider of [demo, small]) provider.faults.guide = faults
    const outcomes = [await xmllint(t, (await guide()).toString()), await xmllint(t, (await guide(small)).toString())]
    t.match(outcomes.map(({ stderr }) => stderr).join('\n'), error)
  }
})

t.test('docs/demo.md has no example that was not tried', async t => {
  t.same(examples.rest, [])
})

function xmllint(t: import('tap').Test, text: string) {
  const file = join(t.testdir(), 'guide.xml')
  writeFileSync(file, text)
  return run('xmllint', ['--noout', '--nonet', file])
}
