/** Whose title, and where: text that only the provider adapter understands. */
export interface TitleRef {
  readonly accountId: string
  readonly locator: string
}

/** Who is waiting for the bytes; a connection slot goes to the first of these. */
export type Priority = 'play' | 'scan' | 'measure'

export interface SessionOptions {
  readonly priority: Priority
  readonly signal: AbortSignal
}

/** What the playlists of an HLS title say, without any address. */
export interface Outline {
  /** Names the variant that was chosen. Opaque. */
  readonly choice: string
  /** Bits per second, of the variant's busiest moment. */
  readonly bandwidth?: number
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
  readonly maps: readonly { readonly length?: number }[]
  readonly segments: readonly OutlineSegment[]
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

export interface SegmentedTitle {
  readonly outline: Outline
  /** Waits for a connection slot, which is held until the session is disposed of. */
  session(options: SessionOptions): Promise<SegmentSession>
}

/** One connection. What is asked of it is done one after the other. Its errors have a `code`: `gone` is a piece that is not there. */
export interface SegmentSession extends AsyncDisposable {
  /** Bytes as transferred, by one small request; undefined when the server does not tell. */
  lengthOf(track: number, piece: Piece): Promise<number | undefined>
  /** All of it, decrypted. */
  read(track: number, piece: Piece): Promise<Uint8Array>
}

/** The account's HLS titles. */
export interface SegmentSource {
  open(ref: TitleRef, options: SessionOptions): Promise<SegmentedTitle>
}

/** What tells one version of a source from another. */
export interface Validator {
  readonly etag?: string
  readonly lastModified?: string
}

/** An answer whose body is being read. Disposing of it ends the request and frees its connection slot. */
export interface SourceBody extends AsyncDisposable, Validator {
  /** Of the whole source, in bytes. */
  readonly size: number
  /** Of the body's first byte: the one asked for, or 0 where the server does not serve ranges. */
  readonly offset: number
  readonly chunks: AsyncIterable<Uint8Array>
}

/** The account's titles that are one stream of bytes. */
export interface ByteSource {
  open(
    ref: TitleRef,
    range: { readonly from: number },
    options: SessionOptions & { readonly expect?: Validator },
  ): Promise<SourceBody>
}

/** What ffmpeg reads: a playlist or script of ours whose pieces lie beside it, or a transport stream. */
export interface MediaInput {
  readonly file: string
  readonly format: 'hls' | 'concat' | 'mpegts'
}

export interface MediaStream {
  readonly index: number
  readonly type: 'video' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'unknown'
  /** ffmpeg's name; left out when it knows none. */
  readonly codec?: string
  readonly width?: number
  readonly sampleRate?: number
  readonly language?: string
  /** Of a rendition in a playlist: its NAME. */
  readonly name?: string
  /** Counted, or as the container's index says. */
  readonly packets?: number
  /** Of a video stream whose packets were counted: those before its first key frame, which are not copied. */
  readonly leadingPackets?: number
}

export interface MediaFacts {
  readonly durationSeconds?: number
  /** Where the earliest stream begins. */
  readonly startSeconds?: number
  readonly streams: readonly MediaStream[]
}

export interface RemuxStream {
  /** In the input. */
  readonly index: number
  readonly type: 'video' | 'audio'
  readonly codec: string
  readonly language?: string
  readonly name?: string
  readonly isDefault: boolean
}

export interface RemuxSubtitles {
  /** WebVTT that begins when the film does. */
  readonly file: string
  readonly language?: string
  readonly name?: string
  readonly isDefault: boolean
  readonly isForced: boolean
}

export type MadeContainer = 'mp4' | 'mkv'

export interface RemuxJob {
  readonly input: MediaInput
  /** In the order they get in the file. */
  readonly streams: readonly RemuxStream[]
  readonly subtitles: readonly RemuxSubtitles[]
  readonly container: MadeContainer
  readonly output: string
  /** Of all streams together, where they are known: the index is then written in front at once. */
  readonly packets?: { readonly video: number; readonly audio: number }
  readonly seconds: number
  /** A jump of the timestamps up to so many seconds is what the film is like, and kept. */
  readonly keptJumpSeconds?: number
}

/** Samples of one stream in one piece. */
export interface SampleCount {
  readonly codec: string
  readonly type: 'video' | 'audio'
  readonly samples: number
}

/** What media programs do for us. */
export interface Remux {
  /** MP4 where it can hold the codecs, else Matroska. */
  containerFor(codecs: readonly string[]): MadeContainer
  /** What is in an input, or with `file` alone in a finished file. `countPackets` reads all of it. */
  probe(
    input: MediaInput | { readonly file: string },
    options: { readonly signal: AbortSignal; readonly countPackets?: boolean },
  ): Promise<MediaFacts>
  /** The time at which the last packet of an input is over, on the input's own clock. */
  endSeconds(input: MediaInput, options: { readonly signal: AbortSignal }): Promise<number | undefined>
  /** From this byte on, the output is written in order, and what is written stays; `Infinity` where nothing does. */
  finalFrom(job: RemuxJob): number
  /** Copies the streams into a new file, or into one that is there and empty. Reports seconds written. */
  remux(
    job: RemuxJob,
    options: { readonly signal: AbortSignal; readonly onProgress: (writtenSeconds: number) => void },
  ): Promise<void>
  /** The streams of one segment behind its initialization section, if it has one. Throws when it cannot tell. */
  countSamples(piece: Uint8Array, map?: Uint8Array): Promise<readonly SampleCount[]> | readonly SampleCount[]
}

export interface MakingPorts {
  readonly segments: SegmentSource
  readonly bytes: ByteSource
  readonly remux: Remux
}
