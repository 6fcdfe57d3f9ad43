/** A process that syncs and measures for ever, and says so, until it is killed: crash.test.ts starts it. */
import { writeSync } from 'node:fs'
import type { ProviderRecord } from '../../../src/catalog/ports.ts'
import { episode, FakeProvider, movie, show } from './fake-provider.ts'
import { libraries, open, sizeOf } from './open-catalog.ts'

const [directory = '', seed = '0'] = process.argv.slice(2)
const opened = open(directory, {
  libraries: libraries.map(library => ({ ...library, sidecars: { nfo: true, plexmatch: true, artwork: true } })),
})
const signal = new AbortController().signal
const provider = new FakeProvider()
const say = () => void writeSync(1, '.')

for (let round = Number(seed); ; round++) {
  await opened.clock.advance(round * 1000)
  const shift = (round % 3) * 1000
  const movies: ProviderRecord[] = Array.from({ length: 300 }, (_, at) =>
    movie(String(at + 1 + shift), `Film ${at} (2001)`, {
      poster: `http://x/${at}.jpg`,
      description: { plot: String(round) },
    }),
  )
  const shows = Array.from({ length: 20 }, (_, at) =>
    show(String(at + 1), `Show ${at} (2001)`, { modifiedAt: opened.clock.now() }),
  )
  for (const { key } of shows) {
    provider.shows[key] = Array.from({ length: 8 }, (_, at) => episode(key, `${key}-${at}-${shift}`, 1, at + 1))
  }
  provider.answers = { movies: movies.slice(round % 7), shows }
  await opened.writer.sync(provider, { signal, onProgress: say })
  // The bytes belong to the film, not to its id, and every fifth round they are others.
  const version = Math.floor(round / 5)
  for (;;) {
    const due = opened.catalog.toMeasure('one', 20, opened.clock.now())
    if (due.length === 0) break
    opened.writer.record(
      due.map(({ variantId, locator }) => ({
        variantId,
        facts: { size: sizeOf(`${variantId}`) + version, container: 'mkv', ranged: locator !== '' },
      })),
    )
    say()
  }
  for (;;) {
    const due = opened.catalog.toAttach('one', 20, opened.clock.now())
    if (due.length === 0) break
    const facts = { size: 1 + version, sha256: 'ab'.repeat(32), extension: 'jpg' }
    opened.writer.attach(due.map(({ attachmentId }) => ({ attachmentId, facts })))
    say()
  }
  await opened.clock.advance(8 * 24 * 3_600_000)
  opened.writer.retire()
  say()
}
