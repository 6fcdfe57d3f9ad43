/**
 * The first bytes of files whose rest is noise: containers that are valid to their last byte and hold one video track without
 * a single frame. What follows the head is, by the container's own words, filler (Matroska's Void) or media data nobody
 * refers to (an MP4's mdat).
 */

/** An MP4: ftyp, a moov with an empty track, and an mdat that reaches to the end (ISO/IEC 14496-12). */
export function mp4Head(bytes: number, seconds: number): Buffer {
  const brands = box('ftyp', text('isom'), u32(0x200), text('isomiso2mp41'))
  const index = box(
    'moov',
    box('mvhd', u32(0, 0, 0, 1000, seconds * 1000, 0x10000), u16(0x0100, 0), u32(0, 0), matrix, zeros(24), u32(2)),
    box(
      'trak',
      box('tkhd', u32(3, 0, 0, 1, 0, seconds * 1000, 0, 0, 0, 0), matrix, u32(1920 * 65536, 1080 * 65536)),
      box(
        'mdia',
        box('mdhd', u32(0, 0, 0, 1000, seconds * 1000), u16(0x55c4, 0)),
        box('hdlr', u32(0, 0), text('vide'), zeros(12), text('\0')),
        box(
          'minf',
          box('vmhd', u32(1, 0, 0)),
          box('dinf', box('dref', u32(0, 1), box('url ', u32(1)))),
          box(
            'stbl',
            sampleDescription(),
            ...['stts', 'stsc', 'stco'].map(name => box(name, u32(0, 0))),
            box('stsz', u32(0, 0, 0)),
          ),
        ),
      ),
    ),
  )
  const before = brands.length + index.length
  const data = Buffer.concat([u32(1), text('mdat'), u64(bytes - before)])
  return Buffer.concat([brands, index, data])
}

const zeros = (count: number) => Buffer.alloc(count)
const text = (value: string) => Buffer.from(value, 'latin1')
const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

function box(type: string, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([u32(8 + body.length), text(type), body])
}

/** One VP8 sample entry; there are no samples to describe. */
function sampleDescription(): Buffer {
  const entry = box(
    'vp08',
    zeros(6),
    u16(1),
    zeros(16),
    u16(1920, 1080),
    u32(0x480000, 0x480000, 0),
    u16(1),
    zeros(32),
    u16(24, 0xffff),
  )
  return box('stsd', u32(0, 1), entry)
}

function u16(...values: number[]): Buffer {
  const buffer = Buffer.alloc(2 * values.length)
  values.forEach((value, at) => void buffer.writeUInt16BE(value, 2 * at))
  return buffer
}

function u32(...values: number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length)
  values.forEach((value, at) => void buffer.writeUInt32BE(value, 4 * at))
  return buffer
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt(value))
  return buffer
}

/** A Matroska file: header, Info, Tracks, and a cluster of nothing but a Void (RFC 9559, RFC 8794). */
export function mkvHead(bytes: number, seconds: number): Buffer {
  const duration = Buffer.alloc(8)
  duration.writeDoubleBE(seconds * 1000)
  const header = element(
    0x1a45dfa3,
    ...[element(0x4286, uint(1)), element(0x42f7, uint(1)), element(0x42f2, uint(4)), element(0x42f3, uint(8))],
    ...[element(0x4282, text('matroska')), element(0x4287, uint(4)), element(0x4285, uint(2))],
  )
  const info = element(
    0x1549a966,
    ...[element(0x2ad7b1, u32(1_000_000)), element(0x4489, duration)],
    ...[element(0x4d80, text('reelport')), element(0x5741, text('reelport'))],
  )
  const video = element(0xe0, element(0xb0, u16(1920)), element(0xba, u16(1080)))
  const entry = [element(0xd7, uint(1)), element(0x73c5, uint(1)), element(0x83, uint(1)), element(0x86, text('V_VP8'))]
  const tracks = element(0x1654ae6b, element(0xae, ...entry, video))
  const segment = idAndLongSize(0x18538067, bytes - header.length - 12)
  const before = header.length + segment.length + info.length + tracks.length
  const cluster = idAndLongSize(0x1f43b675, bytes - before - 12) // ffmpeg takes a file without one for a broken one
  const timestamp = element(0xe7, uint(0))
  const filler = idAndLongSize(0xec, bytes - before - cluster.length - timestamp.length - 9)
  return Buffer.concat([header, segment, info, tracks, cluster, timestamp, filler])
}

const uint = (value: number) => Buffer.of(value)

function idBytes(id: number): Buffer {
  const bytes = u32(id)
  return bytes.subarray(bytes.findIndex(byte => byte !== 0))
}

/** An element whose content is shorter than 16,383 bytes: its size takes one byte, or two. */
function element(id: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const size = body.length < 0x7f ? Buffer.of(0x80 | body.length) : u16(0x4000 | body.length)
  return Buffer.concat([idBytes(id), size, body])
}

/** An id and a size of eight bytes, of which the first is the marker: 12 bytes for a segment or cluster, 9 for a Void. */
function idAndLongSize(id: number, size: number): Buffer {
  const long = u64(size)
  long[0] = 0x01
  return Buffer.concat([idBytes(id), long])
}
