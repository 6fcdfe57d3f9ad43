import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runProcess } from '../../src/media/process.ts'
import type { Clip } from './clips.ts'
import { packetsOf } from './readers.ts'

/** A container that can be laid out before its media is here. */
export interface Layout {
  readonly name: string
  /** ffmpeg's arguments that make the container out of one segment. */
  readonly muxer: readonly string[]
  readonly extension: string
  /** What of the muxer's output goes into the file, timed from the track's first timestamps, in seconds. */
  pieceOf(muxed: Buffer, firstDts: readonly number[], index: number): Buffer
  /** `extra` bytes that readers skip; at least `leastPadding`. */
  padding(extra: number): Buffer
  readonly leastPadding: number
  /**
   * All before the first piece, of a length that depends on the number of pieces alone. The first picture is shown
   * `firstPts` seconds after the beginning.
   */
  header(firstMuxed: Buffer, pieces: readonly PieceFacts[], firstPts: number): Buffer
}

/** What the index is made of. */
export interface PieceFacts {
  readonly bytes: number
  readonly seconds: number
}

export interface InstantFile {
  readonly bytes: Buffer
  /** Room left in the segment where there is least, as a fraction of it; below 0 it did not fit. */
  readonly leastSlack: number
}

/** When a clip's segments begin, in seconds from the least dts of the first. */
export interface Timing {
  readonly origin: number
  readonly firstPts: number
  /** For each segment, the first dts of the picture and of the sound. */
  readonly firstDts: readonly (readonly number[])[]
}

/** The clip's segments, each remuxed by itself: what has to be done for a file, whatever is missing from it. */
export interface RemuxedClip {
  readonly clip: Clip
  readonly layout: Layout
  readonly timing: Timing
  readonly first: Buffer
  readonly pieces: readonly Buffer[]
}

/** A segment's length, and this much for padding, is what its piece may take. */
const SPARE_BYTES = 16
const DEADLINE_MS = 60_000

export async function timingOf(ffprobe: string, clip: Clip): Promise<Timing> {
  const packets = await Promise.all(clip.segments.map(({ path }) => packetsOf(ffprobe, path)))
  const origin = Math.min(...packets[0]!.map(({ dts }) => dts))
  const pictures = packets[0]!.filter(({ kind }) => kind === 'video')
  return {
    origin,
    firstPts: Math.min(...pictures.map(({ pts }) => pts)) - origin,
    firstDts: packets.map(all =>
      ['video', 'audio'].map(wanted => all.find(({ kind }) => kind === wanted)!.dts - origin),
    ),
  }
}

export async function remuxClip(ffmpeg: string, clip: Clip, timing: Timing, layout: Layout): Promise<RemuxedClip> {
  const scratch = mkdtempSync(join(clip.playlist, '..', 'remux-'))
  try {
    const target = join(scratch, `piece.${layout.extension}`)
    const streams = ['-output_ts_offset', String(-timing.origin), '-map', '0:v:0', '-map', '0:a:0', '-c', 'copy']
    let first: Buffer | undefined
    const pieces: Buffer[] = []
    for (const [index, { path }] of clip.segments.entries()) {
      const args = ['-v', 'error', '-y', '-copyts', '-i', path, ...streams, ...layout.muxer, target]
      await runProcess(ffmpeg, { args, deadlineMs: DEADLINE_MS })
      const muxed = readFileSync(target)
      first ??= muxed
      pieces.push(layout.pieceOf(muxed, timing.firstDts[index]!, index))
    }
    return { clip, layout, timing, first: first!, pieces }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The file; segments in `missing` are gaps of their length. */
export function instantFile(remuxed: RemuxedClip, missing: readonly number[] = []): InstantFile {
  const { clip, layout, timing, first, pieces } = remuxed
  const slack = clip.segments.map(({ bytes }, at) => (bytes - pieces[at]!.length) / bytes)
  // One that does not fit gets what it needs, so that the rest can be compared.
  const facts = clip.segments.map(({ bytes, seconds }, at) => ({
    bytes: Math.max(bytes + SPARE_BYTES, pieces[at]!.length + layout.leastPadding),
    seconds,
  }))
  const body = facts.flatMap(({ bytes }, at) => {
    const piece = missing.includes(at) ? Buffer.alloc(0) : pieces[at]!
    return [piece, layout.padding(bytes - piece.length)]
  })
  const header = layout.header(first, facts, timing.firstPts)
  return { bytes: Buffer.concat([header, ...body]), leastSlack: Math.min(...slack) }
}
