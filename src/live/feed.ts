import type { LivePiece, LiveStream, LiveTrack, Mux, Muxing, MuxJob } from './ports.ts'
import { WholePictures } from './whole-pictures.ts'

/** What a feed gives: bytes of a transport stream, or that what follows does not go on from what came before. */
export type Fed = Uint8Array | 'break'

/** An upstream as one transport stream, whatever it is packed in. Ends with the upstream; throws what the upstream throws. */
export function feed(stream: LiveStream, dropCorrupt: boolean, muxing: Muxing): AsyncIterable<Fed> {
  if (stream.kind === 'ts') return dropCorrupt ? cleaned(stream.chunks, muxing) : stream.chunks
  const [main] = stream.tracks
  if (stream.tracks.length === 1 && main!.container === 'mpegts' && !dropCorrupt) return segments(main!)
  return muxed(stream.tracks, dropCorrupt, muxing)
}

async function* segments({ pieces }: LiveTrack): AsyncGenerator<Fed> {
  for await (const { bytes, discontinuity } of pieces) {
    if (discontinuity) yield 'break'
    yield bytes
  }
}

/** Pictures only, and of them those that came whole with all that they are made from. ffmpeg leaves the sound out. */
async function* cleaned(chunks: AsyncIterable<Uint8Array>, muxing: Muxing): AsyncGenerator<Fed> {
  await using mux = muxing.mux({ inputs: [{ format: 'mpegts' }], dropCorrupt: true })
  const pictures = new WholePictures()
  const writing = (async () => {
    for await (const chunk of chunks) {
      const whole = pictures.push(chunk)
      if (whole.length > 0) await mux.write(0, whole)
    }
  })().finally(() => mux.end(0))
  writing.catch(() => {}) // awaited below
  yield* mux.chunks
  await writing
}

/**
 * Tracks put into one stream by ffmpeg, one run of it for each part between discontinuities: it would take a jump of one
 * track's timestamps for time that is missing.
 */
async function* muxed(tracks: readonly LiveTrack[], dropCorrupt: boolean, muxing: Muxing): AsyncGenerator<Fed> {
  const readers = tracks.map(track => new TrackReader(track))
  for (let part = 0; !readers[0]!.isEnded; part++) {
    if (part > 0) yield 'break'
    for (const reader of readers) await reader.begin()
    if (readers[0]!.isEnded) return
    await using mux = muxing.mux(jobOf(tracks, readers, dropCorrupt))
    const stop = { isSet: false }
    const writing = Promise.all(
      readers.map((reader, input) => write(reader, input, mux, stop, input === 0, dropCorrupt)),
    )
    writing.catch(() => {}) // awaited below
    yield* mux.chunks
    await writing
  }
}

async function write(
  reader: TrackReader,
  input: number,
  mux: Mux,
  stop: { isSet: boolean },
  isMain: boolean,
  dropCorrupt: boolean,
): Promise<void> {
  const pictures = dropCorrupt && isMain && reader.format === 'mpegts' ? new WholePictures() : undefined
  try {
    for (let piece = await reader.next(); piece !== undefined; piece = stop.isSet ? undefined : await reader.next()) {
      if (piece.map !== undefined) await mux.write(input, piece.map)
      await mux.write(input, pictures?.push(piece.bytes) ?? piece.bytes)
    }
  } finally {
    // Where the picture's part ends, that of the sound does, too.
    if (isMain) stop.isSet = true
    mux.end(input)
  }
}

/** A track's pieces, up to the next discontinuity at a time. */
class TrackReader {
  readonly #pieces: AsyncIterator<LivePiece>
  readonly #container: LiveTrack['container']
  #ahead: LivePiece | undefined
  #map: Uint8Array | undefined
  #isEnded = false

  constructor({ pieces, container }: LiveTrack) {
    this.#pieces = pieces[Symbol.asyncIterator]()
    this.#container = container
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** What ffmpeg calls it, from the piece that comes next. */
  get format(): MuxJob['inputs'][number]['format'] {
    if (this.#container === 'mpegts') return 'mpegts'
    return this.#container === 'fmp4' ? 'mp4' : soundFormat(this.#ahead?.bytes ?? new Uint8Array(0))
  }

  /** Of packed audio, which has no timestamps of its own: when the piece that comes next is heard, in seconds. */
  get startsAt(): number | undefined {
    return this.#container === 'packed-audio' && this.#ahead !== undefined ? soundTime(this.#ahead.bytes) : undefined
  }

  /** Makes the first piece of a part ready. */
  async begin(): Promise<void> {
    this.#ahead ??= await this.#read()
    // The initialization section goes in front of each part.
    if (this.#ahead !== undefined && this.#map !== undefined) this.#ahead = { ...this.#ahead, map: this.#map }
    if (this.#ahead !== undefined) this.#ahead = { ...this.#ahead, discontinuity: false }
  }

  /** The next piece of this part; undefined where it ends. */
  async next(): Promise<LivePiece | undefined> {
    const piece = this.#ahead ?? (await this.#read())
    this.#ahead = undefined
    if (piece?.discontinuity !== true) return piece
    this.#ahead = piece
    return undefined
  }

  async #read(): Promise<LivePiece | undefined> {
    const { value, done } = await this.#pieces.next()
    if (done) {
      this.#isEnded = true
      return undefined
    }
    if (value.map !== undefined) this.#map = value.map
    return value
  }
}

function jobOf(tracks: readonly LiveTrack[], readers: readonly TrackReader[], dropCorrupt: boolean): MuxJob {
  const inputs = tracks.map(({ language }, at) => {
    const { format, startsAt } = readers[at]!
    return { format, ...(language !== undefined && { language }), ...(startsAt !== undefined && { startsAt }) }
  })
  return { inputs, ...(dropCorrupt && { dropCorrupt }) }
}

/** Bytes of the ID3 tag that comes first; 0 without one. */
function tagBytes(bytes: Uint8Array): number {
  const isTagged = bytes[0] === 0x49 && bytes[1] === 0x44 && bytes[2] === 0x33
  return isTagged ? 10 + ((bytes[6]! << 21) | (bytes[7]! << 14) | (bytes[8]! << 7) | bytes[9]!) : 0
}

/** The PRIV frame in which packed audio says when it is heard (RFC 8216 section 3.4): then 33 bits of 90 kHz in eight bytes. */
const timeOwner = Buffer.from('com.apple.streaming.transportStreamTimestamp\0')

/** In seconds; undefined where the tag does not say. */
function soundTime(bytes: Uint8Array): number | undefined {
  const tag = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(tagBytes(bytes), bytes.length))
  const at = tag.indexOf(timeOwner)
  const from = at + timeOwner.length
  if (at < 0 || from + 8 > tag.length) return undefined
  return Number(tag.readBigUInt64BE(from) & 0x1_ffff_ffffn) / 90_000
}

/** What packed audio is, behind its ID3 tag. */
function soundFormat(bytes: Uint8Array): MuxJob['inputs'][number]['format'] {
  const size = tagBytes(bytes)
  const [first, second] = [bytes[size], bytes[size + 1]]
  if (first === 0x0b && second === 0x77) return bytes[size + 5]! >> 3 > 10 ? 'eac3' : 'ac3'
  // The layer's two bits are 0 in ADTS and never in MPEG audio.
  return first === 0xff && (second! & 0x06) !== 0 ? 'mp3' : 'aac'
}
