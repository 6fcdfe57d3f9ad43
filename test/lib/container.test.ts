import fc from 'fast-check'
import t from 'tap'
import { isFragmented, sniffContainer, sniffText } from '../../src/lib/container.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const padded = (start: Buffer, size = 4096) => Buffer.concat([start, Buffer.alloc(size - start.length, 0xff)])

/** `count` packets with a sync byte every `distance` bytes, the first at `first`; between them nothing like one. */
function packets(distance: number, first: number, count: number): Buffer {
  const bytes = Buffer.alloc(first + distance * count, 0xff)
  for (let at = first; at < bytes.length; at += distance) bytes[at] = 0x47
  return bytes
}

t.test('containers are known by the first bytes that their specifications and muxers give them', async t => {
  const table: [what: string, head: Buffer, container: string | undefined][] = [
    ['mp4', padded(hex('00000020 66747970 69736f6d 00000200')), 'mp4'],
    ['QuickTime', padded(hex('00000014 66747970 71742020')), 'mp4'],
    ['old QuickTime with moov first', padded(hex('0001e240 6d6f6f76 0000006c 6d766864')), 'mp4'],
    ['mdat of 64-bit size', padded(hex('00000001 6d646174 00000001 00000000')), 'mp4'],
    ['mdat to the end', padded(hex('00000000 6d646174')), 'mp4'],
    ['a box too small for itself', padded(hex('00000007 66747970')), undefined],
    [
      'matroska',
      padded(hex('1a45dfa3 a3 4286 81 01 42f7 81 01 42f2 81 04 42f3 81 08 4282 88 6d6174726f736b61')),
      'mkv',
    ],
    ['webm', padded(hex('1a45dfa3 9f 4286 81 01 42f7 81 01 42f2 81 04 42f3 81 08 4282 84 7765626d')), 'webm'],
    ['EBML that does not say', padded(hex('1a45dfa3 01000000 00000013')), 'mkv'],
    ['avi', padded(Buffer.from('RIFF\x10\x20\x30\x40AVI LIST', 'latin1')), 'avi'],
    ['a wave file', padded(Buffer.from('RIFF\x10\x20\x30\x40WAVEfmt ', 'latin1')), undefined],
    ['flv', padded(hex('464c5601 05 00000009')), 'flv'],
    ['wmv', padded(hex('3026b2758e66cf11a6d900aa0062ce6c')), 'wmv'],
    ['ogg', padded(Buffer.from('OggS\0\x02', 'latin1')), 'ogg'],
    ['a program stream', padded(hex('000001ba 44000400')), 'mpeg'],
    ['mpeg video', padded(hex('000001b3 2d0240')), 'mpeg'],
    ['mpegts', packets(188, 0, 21), 'mpegts'],
    ['m2ts', packets(192, 4, 21), 'mpegts'],
    ['mpegts with error correction', packets(204, 0, 20), 'mpegts'],
    ['mpegts cut anywhere', packets(188, 77, 21), 'mpegts'],
    ['a single sync byte', packets(188, 0, 1), undefined],
    ['sync bytes that stop', Buffer.concat([packets(188, 0, 5), Buffer.alloc(3000, 1)]), undefined],
    ['nothing', Buffer.alloc(0), undefined],
    ['zeros', Buffer.alloc(4096), undefined],
    ['a page', Buffer.from('<!doctype html>'), undefined],
  ]
  for (const [what, head, container] of table) {
    t.equal(sniffContainer(head), container, what)
  }
})

t.test('an MP4 in fragments is known by what announces them, where that is in the beginning', async t => {
  const box = (type: string, ...contents: Buffer[]) => {
    const header = Buffer.alloc(8)
    header.writeUInt32BE(8 + contents.reduce((sum, { length }) => sum + length, 0))
    header.write(type, 4, 'latin1')
    return Buffer.concat([header, ...contents])
  }
  const ftyp = box('ftyp', Buffer.from('isom\0\0\x02\0'))
  const mvhd = box('mvhd', Buffer.alloc(100))
  const table: [what: string, head: Buffer, isFragmented: boolean][] = [
    ['mvex in moov', Buffer.concat([ftyp, box('moov', mvhd, box('trak', Buffer.alloc(500)), box('mvex'))]), true],
    [
      'mvex in a moov that goes on',
      Buffer.concat([ftyp, box('moov', mvhd, box('mvex'), Buffer.alloc(9000))]).subarray(0, 4096),
      true,
    ],
    ['an index of fragments', Buffer.concat([ftyp, box('free'), box('sidx', Buffer.alloc(40))]), true],
    ['a fragment', Buffer.concat([box('moof', Buffer.alloc(40))]), true],
    ['no mvex', Buffer.concat([ftyp, box('moov', mvhd, box('trak', box('mvex'))), box('mdat')]), false],
    [
      'mvex behind the beginning',
      Buffer.concat([ftyp, box('moov', mvhd, box('trak', Buffer.alloc(9000)), box('mvex'))]).subarray(0, 4096),
      false,
    ],
    ['the index at the end', Buffer.concat([ftyp, box('mdat', box('moof'))]), false],
    ['a box of 64-bit size', Buffer.concat([ftyp, hex('00000001 6d646174 00000001 00000000'), box('moof')]), false],
    ['a box too small for itself', Buffer.concat([hex('00000007 66747970'), box('moof')]), false],
  ]
  for (const [what, head, expected] of table) t.equal(isFragmented(head), expected, what)
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), head => typeof isFragmented(head) === 'boolean'))
})

t.test('texts are known by how they begin', async t => {
  const table: [text: string, kind: string | undefined][] = [
    ['#EXTM3U\n#EXT-X-VERSION:3', 'hls'],
    ['\ufeff\r\n #extm3u', 'hls'],
    ['<!DOCTYPE html>', 'html'],
    ['  <html lang="en">', 'html'],
    ['<br />\n<b>Warning</b>', 'html'],
    ['<?xml version="1.0"?>', 'xml'],
    ['{"user_info":{}}', 'json'],
    ['[]', 'json'],
    ['FAILED TO CONNECT', 'text'],
    ['Trop de connexions: arrêtez', 'text'],
    ['', undefined],
    ['text\0', undefined],
  ]
  for (const [text, kind] of table) t.equal(sniffText(Buffer.from(text)), kind, JSON.stringify(text))
})

t.test('any bytes are looked at without an error, and within themselves', async t => {
  const starts = fc.constantFrom('', '1a45dfa3', '1a45dfa34282', '0000000c', '47', '52494646', '3026b275')
  fc.assert(
    fc.property(starts, fc.uint8Array({ maxLength: 600 }), (start, rest) => {
      const whole = Buffer.concat([Buffer.from('ff47ff', 'hex'), hex(start), rest, Buffer.from('ff47ff', 'hex')])
      const head = whole.subarray(3, whole.length - 3)
      const copy = Uint8Array.from(head)
      return sniffContainer(head) === sniffContainer(copy) && sniffText(head) === sniffText(copy)
    }),
    { numRuns: 2000 },
  )
  t.pass('2000 heads')
})
