import { isDeepStrictEqual } from 'node:util'
import type { Rendition, Variant } from './master-playlist.ts'
import type { MediaPlaylist } from './media-playlist.ts'

/** What the playlists of an HLS title say, without any address: data that can be kept. */
export interface Outline {
  /** Names the variant that was chosen, so that the same one is found again. Opaque. */
  readonly choice: string
  /** Why this one, in words for people. */
  readonly reason: string
  /** As the master playlist has them; left out where it says nothing or there is none. */
  readonly bandwidth?: number
  readonly width?: number
  readonly height?: number
  readonly frameRate?: number
  readonly codecs?: readonly string[]
  /** The main one first, then audio renditions, then subtitles. */
  readonly tracks: readonly OutlineTrack[]
}

export interface OutlineTrack {
  readonly kind: 'main' | 'audio' | 'subtitles'
  readonly name?: string
  readonly language?: string
  readonly isDefault: boolean
  readonly isForced: boolean
  /** Initialization sections (EXT-X-MAP), in the order they are first used. */
  readonly maps: readonly OutlineMap[]
  readonly segments: readonly OutlineSegment[]
}

export interface OutlineMap {
  /** Bytes, where the playlist names a byte range. */
  readonly length?: number
}

export interface OutlineSegment {
  /** As EXTINF says. */
  readonly seconds: number
  readonly discontinuity: boolean
  readonly gap: boolean
  readonly encrypted: boolean
  /** Index into the track's maps. */
  readonly map?: number
  /** Bytes as transferred, where the playlist names a byte range. */
  readonly length?: number
}

/** A media playlist, and the rendition that it is of: undefined for the main one. */
export interface Track {
  readonly rendition: Rendition | undefined
  readonly playlist: MediaPlaylist
}

/** The outline of what was chosen; `variant` is undefined where there is no master playlist. */
export function outlineOf(
  { choice, reason }: Pick<Outline, 'choice' | 'reason'>,
  variant: Variant | undefined,
  tracks: readonly Track[],
): Outline {
  const { bandwidth, width, height, frameRate, codecs } = variant ?? {}
  return {
    choice,
    reason,
    ...(bandwidth !== undefined && { bandwidth }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(frameRate !== undefined && { frameRate }),
    ...(codecs !== undefined && { codecs }),
    tracks: tracks.map(trackOf),
  }
}

/** True when what was cached or laid out for one of them is right for the other. */
export function sameMedia(a: Outline, b: Outline): boolean {
  return a.choice === b.choice && isDeepStrictEqual(a.tracks, b.tracks)
}

function trackOf({ rendition, playlist: { segments, maps } }: Track): OutlineTrack {
  const { type, name, language, isDefault = true, isForced = false } = rendition ?? {}
  return {
    kind: type ?? 'main',
    ...(name !== undefined && { name }),
    ...(language !== undefined && { language }),
    isDefault,
    isForced,
    maps: maps.map(({ range }) => (range === undefined ? {} : { length: range.to - range.from })),
    segments: segments.map(({ seconds, discontinuity, gap, key, map, range }) => ({
      seconds,
      discontinuity,
      gap,
      encrypted: key !== undefined,
      ...(map !== undefined && { map }),
      ...(range !== undefined && { length: range.to - range.from }),
    })),
  }
}
