/** `moof`, the index of one fragment's samples: ISO/IEC 14496-12 section 8.8. */
import type { BoxWriter } from './box-writer.ts'

export interface TrackFragment {
  readonly id: number
  /** Decode time of the first sample, like all times here in the track's timescale. */
  readonly baseTime: number
  readonly sizes: readonly number[]
  readonly durations: readonly number[]
  /** From decoding to presentation. */
  readonly compositionOffsets: readonly number[]
  readonly isSync: readonly boolean[]
  /** Where its samples begin, one behind the other, in the media data. */
  readonly offset: number
}

/** sample_flags (section 8.8.3.1): depends on no other; depends on others and is no sync sample. */
const syncFlags = 0x02000000
const otherFlags = 0x01010000

const inTfhd = { duration: 0x08, size: 0x10, flags: 0x20, baseIsMoof: 0x020000 }
const inTrun = { offset: 0x01, firstFlags: 0x04, duration: 0x100, size: 0x200, flags: 0x400, composition: 0x800 }

/** How one track's samples are described in the fewest bytes: what all have in common stands in the `tfhd`. */
class Description {
  readonly track: TrackFragment
  readonly duration: number | undefined
  readonly size: number | undefined
  readonly allSync: boolean
  readonly #hasComposition: boolean

  constructor(track: TrackFragment) {
    this.track = track
    this.duration = common(track.durations)
    this.size = common(track.sizes)
    this.allSync = track.isSync.every(sync => sync)
    this.#hasComposition = track.compositionOffsets.some(offset => offset !== 0)
  }

  get tfhdFlags(): number {
    const given = (this.duration === undefined ? 0 : inTfhd.duration) + (this.size === undefined ? 0 : inTfhd.size)
    return inTfhd.baseIsMoof + inTfhd.flags + given
  }

  get trunFlags(): number {
    let flags = inTrun.offset + (this.#hasComposition ? inTrun.composition : 0)
    if (this.duration === undefined) flags += inTrun.duration
    if (this.size === undefined) flags += inTrun.size
    if (this.allSync) return flags
    if (this.track.isSync.includes(true, 1)) return flags + inTrun.flags
    return this.track.isSync[0] ? flags + inTrun.firstFlags : flags
  }

  get bytes(): number {
    const { tfhdFlags, trunFlags } = this
    const tfhd = 16 + 4 * bitCount(tfhdFlags & (inTfhd.duration | inTfhd.size | inTfhd.flags))
    const trun = 16 + 4 * bitCount(trunFlags & 0xff) + 4 * bitCount(trunFlags & 0xf00) * this.track.sizes.length
    return 8 + tfhd + 20 + trun
  }
}

/** Bytes that `writeMovieFragment` writes for these tracks. */
export function movieFragmentBytes(tracks: readonly TrackFragment[]): number {
  return 8 + 16 + tracks.reduce((sum, track) => sum + new Description(track).bytes, 0)
}

/** Media data begins `mediaOffset` bytes behind the beginning of the `moof`. */
export function writeMovieFragment(
  to: BoxWriter,
  sequence: number,
  tracks: readonly TrackFragment[],
  mediaOffset: number,
): void {
  to.box('moof', () => {
    to.fullBox('mfhd', 0, 0, () => to.u32(sequence))
    for (const track of tracks) to.box('traf', () => writeTrack(to, new Description(track), mediaOffset))
  })
}

function writeTrack(to: BoxWriter, description: Description, mediaOffset: number): void {
  const { track, duration, size, allSync, tfhdFlags } = description
  to.fullBox('tfhd', 0, tfhdFlags, () => {
    to.u32(track.id)
    if (duration !== undefined) to.u32(duration)
    if (size !== undefined) to.u32(size)
    to.u32(allSync ? syncFlags : otherFlags)
  })
  to.fullBox('tfdt', 1, 0, () => to.u64(track.baseTime))
  writeRun(to, track, description.trunFlags, mediaOffset)
}

/** One `trun` for a track: ffmpeg 5.1 puts the samples of several in the wrong order after a seek. */
function writeRun(to: BoxWriter, track: TrackFragment, flags: number, mediaOffset: number): void {
  to.fullBox('trun', 1, flags, () => {
    to.u32(track.sizes.length).i32(mediaOffset + track.offset)
    if (flags & inTrun.firstFlags) to.u32(syncFlags)
    for (let at = 0; at < track.sizes.length; at++) {
      if (flags & inTrun.duration) to.u32(track.durations[at]!)
      if (flags & inTrun.size) to.u32(track.sizes[at]!)
      if (flags & inTrun.flags) to.u32(track.isSync[at] ? syncFlags : otherFlags)
      if (flags & inTrun.composition) to.i32(track.compositionOffsets[at]!)
    }
  })
}

/** The value that all have; undefined when they differ. */
function common(values: readonly number[]): number | undefined {
  return values.every(value => value === values[0]) ? values[0] : undefined
}

function bitCount(flags: number): number {
  let count = 0
  for (let rest = flags; rest > 0; rest &= rest - 1) count++
  return count
}
