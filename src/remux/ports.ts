/** Whose title, and where: text that only the provider adapter understands. */
export interface TitleRef {
  readonly accountId: string
  readonly locator: string
}

/** Who is waiting for the bytes; a connection slot goes to the first of these. */
export type Priority = 'play' | 'scan' | 'measure'

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
  /** `main` holds the picture, with or without sound; of a title without pictures, the sound. */
  readonly kind: 'main' | 'audio' | 'subtitles'
  readonly name?: string
  /** As in the playlist: BCP 47, usually ISO 639. */
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
  /** EXT-X-DISCONTINUITY stands before it: timestamps, and perhaps codecs, begin anew. */
  readonly discontinuity: boolean
  /** EXT-X-GAP: it does not exist. */
  readonly gap: boolean
  readonly encrypted: boolean
  /** Index into the track's maps. */
  readonly map?: number
  /** Bytes as transferred, where the playlist names a byte range. */
  readonly length?: number
}

/** Something of a track that is fetched as a whole. */
export type Piece = { readonly segment: number } | { readonly map: number }

/** An HLS title at its provider, ready to be read. */
export interface SegmentedTitle {
  readonly outline: Outline
  /** Waits for a connection slot, which is held until the session is disposed of. */
  session(options: SessionOptions): Promise<SegmentSession>
}

export interface SessionOptions {
  readonly priority: Priority
  readonly signal: AbortSignal
}

/** One connection. What is asked of it is done one after the other. Every method throws SourceError-like errors of its adapter. */
export interface SegmentSession extends AsyncDisposable {
  /** Bytes as transferred (still encrypted) by one small request; undefined when the server does not tell. */
  lengthOf(track: number, piece: Piece): Promise<number | undefined>
  /** All of it, decrypted; the bytes are the caller's from then on, who may give their buffer away. */
  read(track: number, piece: Piece): Promise<Uint8Array>
  /** Told true while the reader could do without the connection for now, so that an equal may take its slot; false when not. */
  yieldable(value: boolean): void
}

/** The account's titles. Opening one that was opened lately costs no request. */
export interface SegmentSource {
  /**
   * `choice` is an earlier outline's; without it the best variant is chosen. With `anew` its playlists are read again even
   * when that was done lately.
   */
  open(
    ref: TitleRef,
    options: SessionOptions & { readonly choice?: string; readonly anew?: boolean },
  ): Promise<SegmentedTitle>
}
