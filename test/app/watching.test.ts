import t from 'tap'
import { watchShows } from '../../src/app/watching.ts'
import { episode, FakeProvider, show } from '../catalog/lib/fake-provider.ts'
import { open } from '../catalog/lib/open-catalog.ts'

const MiB = 2 ** 20
const size = 1_000 * MiB

t.test(
  'who reads through the middle of an episode is watching: the next two that wait to be made are told, once',
  async t => {
    using opened = open(t.testdir())
    const { catalog, writer, clock } = opened
    const provider = new FakeProvider()
    provider.answers = { shows: [show('7', 'Show (2001)')] }
    provider.shows['7'] = [1, 2, 3, 4].map(number => episode('7', `e${number}`, 1, number))
    await writer.sync(provider, { signal: new AbortController().signal })
    const ids = catalog
      .toMeasure('one', 10, clock.now())
      .map(({ variantId }) => variantId)
      .sort((a, b) => a - b)
    const [first, second, third] = ids as [number, number, number, number]
    for (const variantId of ids) writer.record([{ variantId, make: { stream: 'ts', reason: 'raw' } }])
    writer.record([{ variantId: first, facts: { size, container: 'mp4', form: 'made', ranged: true } }])
    const rendition = catalog.rendition(catalog.describe(first)!.renditionId!)!

    const told: (readonly number[])[] = []
    const watching = watchShows(catalog, clock, episodes => void told.push(episodes))
    const read = (from: number, megabytes: number) => {
      for (let at = 0; at < megabytes; at++) watching.read(rendition, from + at * MiB, MiB)
    }
    read(0, 40)
    read(size - 40 * MiB, 40)
    t.strictSame(told, [], 'a scanner looks at both ends')
    read(300 * MiB, 20)
    t.strictSame(told, [[second, third]])
    read(320 * MiB, 100)
    t.equal(told.length, 1, 'once')

    writer.record([{ variantId: second, facts: { size, container: 'mp4', form: 'made', ranged: true } }])
    await clock.advance(31 * 60_000)
    read(500 * MiB, 1)
    t.strictSame(told[1], [third], 'what is made already is not told')
  },
)
