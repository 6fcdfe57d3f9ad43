import fc from 'fast-check'
import t from 'tap'
import { type JsonRow, jsonRows } from '../../src/provider/json-rows.ts'
import { all, errorOf, liveBytes } from './upstream.ts'

/** `text` in pieces that end at `cuts`. */
async function* pieces(text: string | Uint8Array, cuts: readonly number[] = []): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  const ends = [...new Set(cuts.map(cut => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  let from = 0
  for (const end of [...ends, bytes.length]) {
    yield bytes.subarray(from, end)
    from = end
  }
}

const rows = (text: string | Uint8Array, cuts?: readonly number[]) => all(jsonRows(pieces(text, cuts)))
const values = (found: readonly JsonRow[]) => found.map(row => ('error' in row ? row.error : row.value))

t.test('an array of anything comes out as JSON.parse reads it, however it arrives', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.constantFrom(0, 1, '\t'),
      fc.array(fc.nat()),
      async (list, indent, cuts) => {
        const text = JSON.stringify(list, null, indent)
        t.same(values(await rows(text, cuts)), JSON.parse(text))
      },
    ),
    { numRuns: 150 },
  )
})

t.test('so does an object, with its keys', async t => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.nat()), async (object, cuts) => {
      const found = await rows(JSON.stringify(object), cuts)
      t.same(
        found.map(row => 'key' in row && [row.key, row.value]),
        Object.entries(JSON.parse(JSON.stringify(object)) as object),
      )
    }),
    { numRuns: 150 },
  )
})

t.test('arbitrary bytes end in rows or in a ProviderError, however they arrive', async t => {
  const shapes = fc.oneof(
    fc.uint8Array(),
    fc
      .string({ unit: fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', '1', 'a', ' ', '\n', 'é') })
      .map(text => Buffer.from(`[${text}`)),
  )
  const outcome = async (bytes: Uint8Array, cuts: readonly number[]) => {
    const found: JsonRow[] = []
    try {
      for await (const row of jsonRows(pieces(bytes, cuts))) found.push(row)
      return { found }
    } catch (error) {
      const { code, message, name } = error as Error & { code: string }
      if (name !== 'ProviderError') throw error
      return { found, code, message }
    }
  }
  await fc.assert(
    fc.asyncProperty(shapes, fc.array(fc.nat()), async (bytes, cuts) => {
      t.same(await outcome(bytes, cuts), await outcome(bytes, []))
    }),
    { numRuns: 150 },
  )
})

t.test('a bad row costs that row', async t => {
  const found = await rows('[{"a":1},{"a":undefined},{"b":2} ,\n nonsense, {"c":"x\ty"},]')
  t.same(found, [
    { index: 0, value: { a: 1 } },
    { index: 1, error: 'it is not valid JSON', text: '{"a":undefined}' },
    { index: 2, value: { b: 2 } },
    { index: 3, error: 'it is not valid JSON', text: 'nonsense' },
    { index: 4, value: { c: 'x y' } },
  ])
  const long = await rows(`[1,"${'x'.repeat(1024 * 1024)}",3]`, [500_000, 900_000])
  t.match(long, [{ value: 1 }, { error: /at most 1048576/, text: '' }, { value: 3 }])
  t.match(values(await rows(Buffer.from('[{"name":"caf\xe9"},2]', 'latin1'))), [{ name: 'caf\ufffd' }, 2])
})

t.test('an empty list is empty, with a byte order mark or without', async t => {
  for (const text of ['[]', '{}', ' [ ] ', '\ufeff[]', '\r\n\t{\n}\n', '[]trailing <br/> text'])
    t.same(await rows(text, [1, 2]), [], text)
})

t.test('what ends early gives its whole rows and then says so', async t => {
  const text = JSON.stringify([{ a: 'x,]' }, { b: [1, 2] }, 3])
  for (let end = 1; end < text.length; end++) {
    const found: JsonRow[] = []
    const error = await errorOf(
      (async () => {
        for await (const row of jsonRows(pieces(text.slice(0, end)))) found.push(row)
      })(),
    )
    t.equal(error.code, 'cut-short')
    t.match(error.message, new RegExp(`after ${found.length} whole rows`))
    t.same(values(found), JSON.parse(text).slice(0, found.length))
  }
  t.equal((await rows(text)).length, 3)
})

t.test('what is no list is malformed', async t => {
  for (const text of ['', '  \n', '<html>', 'null', 'false', '"text"', '12']) {
    t.equal((await errorOf(rows(text))).code, 'malformed', text)
  }
})

t.test('60,000 rows take little more memory than one', async t => {
  const row = Buffer.from(
    `${JSON.stringify({ num: 1, name: 'A film “with” quotes', plot: 'x'.repeat(480), stream_id: 1 })},\n`,
  )
  async function* list() {
    yield Buffer.from('[')
    for (let n = 0; n < 600; n++) yield Buffer.concat(Array.from({ length: 100 }, () => row))
    yield Buffer.from(']')
  }
  let count = 0
  let most = 0
  const before = liveBytes()
  for await (const found of jsonRows(list())) {
    if ('value' in found) count++
    if (count % 20_000 === 0) most = Math.max(most, liveBytes() - before)
  }
  t.equal(count, 60_000)
  t.ok(
    most < 4 * 2 ** 20,
    `${Math.round(most / 1024)} KiB for ${Math.round((60_000 * row.length) / 2 ** 20)} MiB of list`,
  )
})
