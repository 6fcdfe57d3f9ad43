/**
 * Where everything is in an instant file, and how long that is: decision 0005. Follows from the playlists and the lengths of
 * the segments alone, so that a file's size is final before any of its bytes has been fetched.
 */

/** Carried tracks: the main one and audio renditions. */
export const maxTracks = 32
/** References of a `sidx` are counted in 16 bits (ISO/IEC 14496-12 section 8.16.3). */
export const maxSegments = 65_535
export const maxSegmentBytes = 128 * 2 ** 20
export const maxMapBytes = 2 ** 20
export const maxNameBytes = 64
/** Of the outline's `choice`. */
export const maxChoiceBytes = 4096
/** A segment's EXTINF and a title's sum of them, in microseconds. */
export const maxSegmentMicros = 3600e6
export const maxTitleMicros = 100 * 3600e6

/** Header room for `ftyp` and what stands in `moov` beside its tracks, and for each track's codec parameters. */
const movieBytes = 1024
const trackBytes = 4096
/** Sounds beside the pictures of the main track that have room for an index of their own. */
const mainSounds = 1
/** A gap is one `free` box of this length. */
export const gapBytes = 16
/** Room for a `free` box in a fragment whose boxes keep their lengths. */
const boxReserveBytes = 8
/**
 * Room for the `moof` and a `free` box in a fragment that is made. Dropping transport packets makes far more room; it is
 * packed AC-3, whose frames lose nothing, that needs it.
 */
const madeReserveBytes = 1024
/** A segment of a rendition that begins this much before one of the main track still belongs to it: audio frames are not as long as pictures. */
const toleranceMicros = 100_000

export interface LayoutTrack {
  /** In the outline. */
  readonly track: number
  readonly kind: 'main' | 'audio'
  readonly name: string
  readonly language: string
  readonly isDefault: boolean
  /** Of its initialization section, as transferred; undefined when it has none. */
  readonly mapBytes: number | undefined
  readonly segments: readonly LayoutSegment[]
}

export interface LayoutSegment {
  /** As transferred; 0 when it is missing. */
  readonly bytes: number
  readonly micros: number
  readonly discontinuity: boolean
  readonly encrypted: boolean
}

/** A segment of a carried track; `track` is an index into the layout's tracks. */
export interface PieceRef {
  readonly track: number
  readonly segment: number
}

/** Fragments between two discontinuities, `to` exclusive. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** The plan of one instant file. */
export class Layout {
  /** The outline's: which variant this is the file of. */
  readonly choice: string
  readonly tracks: readonly LayoutTrack[]
  /** `ftyp`, `moov` and `free`. */
  readonly movieBytes: number
  /** Everything before the first fragment: the movie, and a `sidx` for each stream. */
  readonly headerBytes: number
  readonly size: number
  /** Where each fragment begins in the file; one more at the end. */
  readonly offsets: Float64Array
  /** When each fragment begins in the title, in microseconds; one more at the end. */
  readonly starts: Float64Array
  readonly runs: readonly Run[]
  readonly #pieces: readonly (readonly PieceRef[])[]
  readonly #starts: readonly Float64Array[]

  constructor(choice: string, tracks: readonly LayoutTrack[]) {
    this.choice = choice
    this.tracks = tracks
    const main = tracks[0]!
    const count = main.segments.length
    this.#starts = tracks.map(({ segments }) => startsOf(segments))
    this.starts = this.#starts[0]!
    this.runs = runsOf(main.segments)
    this.#pieces = this.#assign()
    this.movieBytes = movieBytes + tracks.reduce((sum, { mapBytes }) => sum + trackBytes + (mapBytes ?? 0), 0)
    this.headerBytes = this.movieBytes + (tracks.length + mainSounds) * sidxBytes(count)
    this.offsets = new Float64Array(count + 1)
    this.offsets[0] = this.headerBytes
    for (let at = 0; at < count; at++) this.offsets[at + 1] = this.offsets[at]! + this.#fragmentBytes(at)
    this.size = this.offsets[count]!
  }

  get fragments(): number {
    return this.offsets.length - 1
  }

  /** When each segment of a track begins, in microseconds; one more at the end. */
  startsOf(track: number): Float64Array {
    return this.#starts[track]!
  }

  /** Whether the segments are fragments of MP4 already. */
  get isFragmented(): boolean {
    return this.tracks[0]!.mapBytes !== undefined
  }

  /** Whether the playlist has nothing where this fragment would be. */
  isGap(fragment: number): boolean {
    return this.tracks[0]!.segments[fragment]!.bytes === 0
  }

  bytesOf(fragment: number): number {
    return this.offsets[fragment + 1]! - this.offsets[fragment]!
  }

  /** What a fragment is made of: the main segment, then those of renditions. Nothing for a gap. */
  piecesOf(fragment: number): readonly PieceRef[] {
    return this.isGap(fragment) ? [] : this.#pieces[fragment]!
  }

  segmentOf({ track, segment }: PieceRef): LayoutSegment {
    return this.tracks[track]!.segments[segment]!
  }

  /** The fragment that holds a byte of the file; -1 for the header. The offset must be below `size`. */
  fragmentAt(offset: number): number {
    return lastAtOrBelow(this.offsets, offset)
  }

  /** Index of the run that a fragment belongs to. */
  runAt(fragment: number): number {
    let low = 0
    let high = this.runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.runs[middle]!.from <= fragment) low = middle
      else high = middle - 1
    }
    return low
  }

  #fragmentBytes(fragment: number): number {
    if (this.isGap(fragment)) return gapBytes
    const reserve = this.isFragmented ? boxReserveBytes : madeReserveBytes
    return this.#pieces[fragment]!.reduce((sum, piece) => sum + this.segmentOf(piece).bytes, reserve)
  }

  /** Each rendition's segments go to the fragment of their run in whose time they begin. */
  #assign(): PieceRef[][] {
    const pieces: PieceRef[][] = this.tracks[0]!.segments.map((_, segment) => [{ track: 0, segment }])
    for (const [track, { segments }] of this.tracks.entries()) {
      if (track === 0) continue
      const starts = this.#starts[track]!
      for (const [at, run] of runsOf(segments).entries()) {
        const { from, to } = this.runs[at]!
        for (let segment = run.from; segment < run.to; segment++) {
          if (segments[segment]!.bytes === 0) continue
          const fragment = lastAtOrBelow(this.starts, starts[segment]! + toleranceMicros)
          pieces[Math.min(Math.max(fragment, from), to - 1)]!.push({ track, segment })
        }
      }
    }
    return pieces
  }
}

/** Bytes of a version 1 `sidx` box with so many references (ISO/IEC 14496-12 section 8.16.3). */
export const sidxBytes = (references: number) => 40 + 12 * references

function startsOf(segments: readonly LayoutSegment[]): Float64Array {
  const starts = new Float64Array(segments.length + 1)
  for (const [at, { micros }] of segments.entries()) starts[at + 1] = starts[at]! + micros
  return starts
}

/** Segments between two discontinuities. */
export function runsOf(segments: readonly LayoutSegment[]): Run[] {
  const edges = [0, segments.length]
  for (const [at, { discontinuity }] of segments.entries()) if (discontinuity && at > 0) edges.splice(-1, 0, at)
  return edges.slice(1).map((to, at) => ({ from: edges[at]!, to }))
}

/** Index of the last of ascending values that is at or below `value`; -1 when none is. */
function lastAtOrBelow(values: Float64Array, value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
