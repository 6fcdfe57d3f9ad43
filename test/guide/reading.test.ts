import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { GuideError } from '../../src/guide/errors.ts'
import { LenientUtf8 } from '../../src/guide/read/utf8.ts'
import { readXmltv } from '../../src/guide/read/xmltv.ts'
import { parseTime } from '../../src/guide/time.ts'
import { without } from '../lib/programs.ts'
import { never, pieces, readAll, titleOf, xmltv } from './guides.ts'

const titles = async (bytes: Uint8Array | string) => (await readAll(bytes)).programmes.map(titleOf)
const document = (title: string, encoding = 'UTF-8') =>
  `<?xml version="1.0" encoding="${encoding}"?><tv><channel id="a"><display-name>A</display-name></channel><programme start="20260519120000 +0000" channel="a"><title>${title}</title></programme></tv>`

t.test('what people wrote is what is read, wherever the document is cut', async t => {
  const cases: [string, string][] = [
    ['Tom & Jerry', 'Tom & Jerry'],
    ['Tom &amp; Jerry &lt;3', 'Tom & Jerry <3'],
    ['R&D;s &unknown; A&B', 'R&D;s &unknown; A&B'],
    ['caf&eacute; &hellip; &euro;5 &Alpha;', 'café … €5 Α'],
    ['&#233;&#xE9;&#146;', 'éé’'],
    ['a&#0;b&#xD800;c', 'abc'],
    ['a\u0001b\u000bc\ufffed', 'abcd'],
    ['<![CDATA[Tom & Jerry ]] <b>&eacute;</b>]]> & more', 'Tom & Jerry ]] <b>&eacute;</b> & more'],
    ['1 < 2 and <3', '1 < 2 and <3'],
    ['<!-- & --comment-->x', 'x'],
    ['naïve 日本 😀', 'naïve 日本 😀'],
    ['&', '&'],
    ['&&amp;&#x26;', '&&&'],
  ]
  for (const [written, meant] of cases) {
    const bytes = Buffer.from(document(written))
    const from = bytes.indexOf('<title>')
    for (let at = from; at < bytes.indexOf('</title>') + 8; at++) {
      const chunks = (async function* () {
        yield bytes.subarray(0, at)
        yield bytes.subarray(at)
      })()
      const { programmes } = await readAll(chunks)
      if (titleOf(programmes[0]!) !== meant) t.equal(titleOf(programmes[0]!), meant, `${written} cut at ${at - from}`)
    }
    const single = await readAll(pieces(bytes, 1))
    t.equal(titleOf(single.programmes[0]!), meant, `${written}, byte by byte`)
  }
})

t.test('a document is read in its encoding', async t => {
  const text = 'Größe – “naïve” €'
  const utf16 = (order: 'le' | 'be', mark: boolean) => {
    const bytes = Buffer.from((mark ? '\ufeff' : '') + document(text, 'UTF-16'), 'utf16le')
    return order === 'le' ? bytes : bytes.swap16()
  }
  t.same(await titles(`\ufeff${document(text)}`), [text], 'UTF-8 with a byte order mark')
  t.same(await titles(utf16('le', true)), [text], 'UTF-16 with a byte order mark')
  t.same(await titles(utf16('be', true)), [text], 'of the other order')
  t.same(await titles(utf16('le', false)), [text], 'without a mark')
  t.same(await titles(utf16('be', false)), [text], 'of the other order')
  t.same(await titles(Buffer.from(document('Größe', 'ISO-8859-1'), 'latin1')), ['Größe'], 'latin1')
  const cyrillic = Buffer.concat([
    Buffer.from(
      '<?xml version="1.0" encoding="windows-1251"?><tv><programme start="20260519120000" channel="a"><title>',
    ),
    Buffer.from([0xcd, 0xee, 0xe2, 0xee, 0xf1, 0xf2, 0xe8]),
    Buffer.from('</title></programme></tv>'),
  ])
  t.same(await titles(cyrillic), ['Новости'], 'windows-1251')
  t.same(await titles(document('x', 'no-such-thing')), ['x'], 'an unknown one is taken for UTF-8')
  t.same(await titles(document('é', 'UTF-16')), ['é'], 'bytes that were read as ASCII are no UTF-16')
})

t.test('latin1 bytes in a document of UTF-8 are read as what they are, and cost nothing else', async t => {
  const bytes = Buffer.from(document('caf\u0001 – 日本 \u0002t'))
  bytes[bytes.indexOf(1)] = 0xe9
  bytes[bytes.indexOf(2)] = 0x92
  const { programmes, summary } = await readAll(pieces(bytes, 1))
  t.equal(titleOf(programmes[0]!), 'café – 日本 ’t')
  t.equal(summary.problems.encoding, 2)
})

t.test('valid UTF-8 is decoded as by TextDecoder, and of any bytes none is lost, wherever they are cut', async t => {
  const decode = (bytes: Uint8Array, size: number) => {
    const decoder = new LenientUtf8()
    let text = ''
    for (let at = 0; at < bytes.length; at += size) text += decoder.write(bytes.subarray(at, at + size))
    return { text: text + decoder.end(), strange: decoder.strange }
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 7 }), (text, size) => {
      const bytes = new TextEncoder().encode(text)
      const { text: decoded, strange } = decode(bytes, size)
      return decoded === new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) && strange === 0
    }),
    { seed: 1, numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 7 }), (bytes, size) => {
      const { text, strange } = decode(bytes, size)
      const isUtf8 = !new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).includes('\ufffd')
      return text === decode(bytes, 1000).text && !text.includes('\ufffd') && (!isUtf8 || strange === 0)
    }),
    { seed: 2, numRuns: 1000 },
  )
  t.pass('looked')
})

t.test('packed documents are unpacked by their first bytes, one in the other too', { skip: without('xz') }, async t => {
  const plain = Buffer.from(document('packed'))
  const xz = (bytes: Uint8Array, check = 'crc64') => execFileSync('xz', ['-c', `--check=${check}`], { input: bytes })
  t.same(await titles(gzipSync(plain)), ['packed'])
  t.same(
    await titles(Buffer.concat([gzipSync(plain.subarray(0, 99)), gzipSync(plain.subarray(99))])),
    ['packed'],
    'two members',
  )
  t.same(await titles(xz(plain)), ['packed'])
  t.same(await titles(xz(plain, 'crc32')), ['packed'])
  t.same(await titles(xz(gzipSync(plain))), ['packed'])
  t.same(await titles(gzipSync(gzipSync(plain))), ['packed'])
  const { programmes } = await readAll(pieces(gzipSync(plain), 1))
  t.equal(programmes.length, 1, 'byte by byte')
})

t.test('everything before a break counts, and the break is told', async t => {
  const whole = xmltv(
    { a: 'A' },
    Array.from({ length: 4000 }, (_, at) => ['a', at, at + 1, `Number ${at} ${at * 7919}`]),
  )
  const expected = await titles(whole)
  const isBeginning = (found: readonly unknown[]) => found.every((title, at) => title === expected[at])

  const cut = await readAll(whole.slice(0, whole.length >> 1))
  t.ok(cut.summary.broken, 'of plain text')
  t.ok(cut.programmes.length > 1990 && isBeginning(cut.programmes.map(titleOf)))

  const packed = gzipSync(whole)
  const shortened = await readAll(packed.subarray(0, packed.length - 2000))
  t.ok(shortened.summary.broken, 'of gzip')
  t.ok(shortened.programmes.length > 2000 && isBeginning(shortened.programmes.map(titleOf)))

  const damaged = Buffer.from(packed)
  damaged.fill(0xff, damaged.length - 2000, damaged.length - 1900)
  const before = await readAll(damaged)
  t.ok(before.summary.broken, 'of gzip with damage')
  t.ok(before.programmes.length > 1500 && isBeginning(before.programmes.map(titleOf).slice(0, 1500)))
})

t.test('something that is no guide is refused', async t => {
  const refused = (bytes: string | Uint8Array, code: string) => t.rejects(readAll(bytes), { name: 'GuideError', code })
  await refused('<html><body>Your account has expired</body></html>', 'not-xmltv')
  await refused('{"user_info":{"auth":0}}', 'not-xmltv')
  await refused('', 'not-xmltv')
  await refused(gzipSync('nothing'), 'not-xmltv')
  await refused(Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 0xff, 0xff, 0xff]), 'damaged')
  await refused(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2, 3, 4, 5, 6]), 'damaged')
})

t.test('channels may follow programmes, and tags may be left open', async t => {
  const { channels, programmes, summary } = await readAll(
    '<tv><programme start="20260519120000" channel="a"><title>One<programme start="20260519130000" channel="a"><title>Two</title></programme><channel id="a"><display-name>A</channel></tv>',
  )
  t.same(programmes.map(titleOf), ['One', 'Two'])
  t.same(channels, [{ key: 'a', names: ['A'] }])
  t.equal(summary.broken, undefined)
  t.ok(summary.problems.markup)
})

t.test('depth, texts and comments without end are bounded', async t => {
  const deep = `<tv><programme start="20260519120000" channel="a"><title>x</title></programme>${'<a>'.repeat(1000)}`
  t.match((await readAll(deep)).summary.broken, /deep/)
  async function* endless() {
    yield Buffer.from('<tv><programme start="20260519120000" channel="a"><title>x</title></programme><!--')
    for (let at = 0; ; at++) {
      if (at > 200) throw new Error('It was read on and on')
      yield Buffer.alloc(65_536, 'x <y> ')
    }
  }
  const { programmes, summary } = await readAll(endless())
  t.match(summary.broken, /goes on/)
  t.equal(programmes.length, 1)
  const long = await readAll(
    `<tv><programme start="20260519120000" channel="a"><title>${'x'.repeat(1_000_000)}</title></programme></tv>`,
  )
  t.equal(titleOf(long.programmes[0]!)!.length, 20_000)
})

t.test('times are read in the forms that guides use', async t => {
  const time = Date.UTC(2026, 4, 19, 17, 0, 0)
  for (const text of [
    '20260519170000 +0000',
    '20260519190000 +0200',
    '20260519190000 +02:00',
    '20260519190000+0200',
    '20260519170000',
    '202605191700',
    '2026051917',
    '20260519170000 Z',
    '20260519130000 EDT',
    '20260519190000 CEST',
    '2026-05-19T17:00:00Z',
    '2026-05-19 17:00:00',
    '2026-05-19T19:00:00.000+02:00',
  ]) {
    t.equal(parseTime(text), time, text)
  }
  for (const text of ['', 'soon', '20260230120000', '20261319120000', '20260519256000', '20260519120000 XYZ', '0']) {
    t.equal(parseTime(text), undefined, text || 'nothing')
  }
})

t.test('the reader never fails but for its own reasons, and keeps what came before the damage', async t => {
  const base = Buffer.from(
    xmltv(
      { a: 'A', b: 'B &amp; C' },
      Array.from({ length: 40 }, (_, at) => [
        'a',
        at,
        at + 1,
        `<title lang="en">Number ${at} &eacute;</title><desc><![CDATA[x & y]]></desc><credits><actor>Z</actor></credits>`,
      ]),
    ),
  )
  const expected = (await readAll(base)).programmes.map(titleOf)
  const junk = [
    '<',
    '>',
    '&',
    '"',
    '\0',
    '</',
    '<!--',
    ']]>',
    '<![CDATA[',
    '<?',
    '<!DOCTYPE',
    '</tv>',
    '&#',
    '\xff',
    '=',
    "'",
    '<programme>',
  ]
  let broken = 0
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 60, max: base.length - 1 }),
      fc.oneof(
        fc.constantFrom(...junk).map(text => Buffer.from(text, 'latin1')),
        fc.uint8Array({ minLength: 1, maxLength: 12 }),
      ),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 40, max: 4000 }),
      async (at, inserted, removed, size) => {
        const bytes = Buffer.concat([base.subarray(0, at), inserted, base.subarray(at + removed)])
        const wholeBefore = base.subarray(0, at).toString().split('</programme>').length - 1
        try {
          const { programmes, summary } = await readAll(pieces(bytes, size))
          if (summary.broken !== undefined) broken++
          const found = programmes.map(titleOf).slice(0, wholeBefore)
          if (found.join() !== expected.slice(0, wholeBefore).join())
            throw new Error(`Lost: ${found} of ${wholeBefore}`)
        } catch (error) {
          if (!(error instanceof GuideError) || wholeBefore > 0) throw error
        }
      },
    ),
    { seed: 3, numRuns: 500 },
  )
  t.ok(broken > 0, `${broken} of them break off`)
})

t.test('reading ends when it is told to', async t => {
  const controller = new AbortController()
  async function* chunks() {
    yield Buffer.from('<tv>')
    for (;;) {
      controller.abort(new Error('enough'))
      yield Buffer.from('<channel id="a"/>')
    }
  }
  await t.rejects(readXmltv(chunks(), {}, controller.signal), { message: 'enough' })
  t.notOk(never.aborted)
})

const corpora = process.env.REELPORT_CORPORA
const fixtures = corpora && join(corpora, 'xmltv/tests/fixtures')
const skip =
  fixtures !== undefined && existsSync(fixtures) ? false : 'REELPORT_CORPORA does not name a folder with xmltv'

t.test('the documents that others test with are read', { skip }, async t => {
  const read = async (name: string) => await readAll(readFileSync(join(fixtures!, name)))
  t.equal(readdirSync(fixtures!).filter(name => name.endsWith('.xml')).length, 5)
  const example = await read('example.xml')
  t.same(
    example.channels.map(({ key }) => key),
    ['channel_one', 'channel_two'],
  )
  t.same(
    example.programmes.map(({ start }) => start),
    Array(5).fill(Date.UTC(2022, 2, 31, 18)),
  )
  t.same(
    (await read('broken.xml')).programmes.map(titleOf).map(title => title?.trim()),
    ['Breaking Bad'],
  )
  t.same((await read('invalid.xml')).programmes.map(titleOf), ['Breaking Bad'])
  t.same(
    (await read('comments.xml')).programmes.map(({ start }) => start),
    [Date.UTC(2022, 2, 31, 15)],
  )
  t.same((await read('channel-only.xml')).channels, [{ key: '1', names: ['Channel 1'] }])
})
