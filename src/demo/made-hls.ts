import { createHash } from 'node:crypto'
import type { HlsSegment, HlsTitle, HlsTrack } from './hls.ts'
import { codecsOf, type HlsClip } from './hls-clip.ts'
import type { MadeClip } from './media-set.ts'
import { openRendition } from './rendition.ts'
import { subtitleSegments } from './subtitles.ts'

/** How a title is served as HLS, and the renditions it is made of. */
export interface HlsDescription {
  readonly tracks: readonly TrackDescription[]
  readonly hasMaster?: boolean
  /** The first half with one key and an IV of its own, the second with another key and the segments' numbers. */
  readonly encrypted?: boolean
  readonly inOneFile?: boolean
  readonly absoluteAddresses?: boolean
  readonly firstSequence?: number
}

export interface TrackDescription {
  readonly name: string
  readonly kind: 'main' | 'audio' | 'subtitles'
  /** One after the other, with a discontinuity between them. Those of subtitles are the ones beside which they are shown. */
  readonly clips: readonly HlsClip[]
  /** BCP 47. */
  readonly language?: string
  readonly label?: string
}

/** The title over the renditions that were made for it. */
export async function madeHls(
  description: HlsDescription,
  made: ReadonlyMap<string, MadeClip>,
  modifiedAt: Date,
): Promise<HlsTitle> {
  const { hasMaster = false, absoluteAddresses = false, firstSequence = 0, encrypted = false } = description
  const tracks = await Promise.all(description.tracks.map(track => madeTrack(track, description, made, modifiedAt)))
  const keys = encrypted ? ['first', 'second'].map(name => createHash('md5').update(`demo key: ${name}`).digest()) : []
  return { tracks, hasMaster, absoluteAddresses, firstSequence, keys }
}

async function madeTrack(
  { name, kind, clips, language, label = name }: TrackDescription,
  { inOneFile = false, encrypted }: HlsDescription,
  made: ReadonlyMap<string, MadeClip>,
  modifiedAt: Date,
): Promise<HlsTrack> {
  const renditions = await Promise.all(clips.map(clip => openRendition(made.get(clip.name)!, modifiedAt)))
  const segments = renditions.flatMap((rendition, run): HlsSegment[] =>
    rendition.segments.map((segment, at) => (run > 0 && at === 0 ? { ...segment, discontinuity: true } : segment)),
  )
  const named = { name, kind, label, ...(language !== undefined && { language }) }
  if (kind === 'subtitles') {
    return { ...named, files: [], inOneFile: false, segments: subtitleSegments(segments, label, modifiedAt) }
  }
  const [clip] = clips
  const codecs = codecsOf(clip!)
  const { map } = renditions[0]!
  return {
    ...named,
    ...(clip!.picture && { picture: clip!.picture }),
    ...(codecs !== undefined && { codecs }),
    ...(map !== undefined && { map }),
    files: renditions.map(({ file }) => file),
    inOneFile,
    segments: encrypted ? withEncryption(segments) : segments,
  }
}

function withEncryption(segments: readonly HlsSegment[]): HlsSegment[] {
  const explicit = { key: 0, iv: createHash('md5').update('demo iv').digest() }
  const numbered = { key: 1 }
  return segments.map((segment, at) => ({ ...segment, encryption: at < segments.length / 2 ? explicit : numbered }))
}
