/** What live sessions ask of the rest of the program. */

/** One provider stream of a channel. */
export interface Upstream {
  /** Permanent, and unique among all upstreams. */
  readonly id: number
  readonly accountId: string
  readonly locator: string
  /** What people call it, such as `DE: Harbour HD`. */
  readonly name: string
  /** Headers that this stream is asked with, beside or in place of the account's. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a session is about. */
export interface LiveChannel {
  readonly id: number
  readonly number: string
  readonly name: string
  /** In the order they are tried. */
  readonly upstreams: readonly Upstream[]
  /** Its streams are damaged: pictures only, and of them those that came whole (copied, never transcoded). */
  readonly dropCorrupt?: boolean
}

export interface OpenOptions {
  readonly signal: AbortSignal
  /** How long to wait for a connection of the account, in milliseconds; 0: not at all. */
  readonly waitMs: number
}

/** Opens upstreams, each over one connection slot that is held until the stream is disposed of. */
export interface LiveSource {
  /**
   * Connects, looks at the first bytes, and resolves when they are media.
   *
   * @throws LiveSourceError; the signal's reason.
   */
  open(upstream: Upstream, options: OpenOptions): Promise<LiveStream>
  /** An HLS upstream for clients that speak HLS themselves. @throws LiveSourceError, `unsupported` for what is no HLS. */
  relay(upstream: Upstream, options: OpenOptions): Promise<HlsRelay>
}

/** A channel's bytes. Disposing of it, at any moment, ends its requests and frees its connection. */
export type LiveStream = AsyncDisposable & {
  /** Where it comes from, for people: a host name. */
  readonly host: string
} & (
    | {
        readonly kind: 'ts'
        /** MPEG-TS from the first sync byte on, cut anywhere. Ends or throws LiveSourceError when the upstream does. */
        readonly chunks: AsyncIterable<Uint8Array>
      }
    | {
        readonly kind: 'hls'
        /** The picture, with or without sound, first; then sound of its own. */
        readonly tracks: readonly LiveTrack[]
      }
  )

export interface LiveTrack {
  readonly type: 'main' | 'audio'
  readonly container: 'mpegts' | 'fmp4' | 'packed-audio'
  readonly language?: string
  /** In order, none twice. Throws LiveSourceError when the playlist is lost, stalls, or ends. Tracks are to be read side by side. */
  readonly pieces: AsyncIterable<LivePiece>
}

export interface LivePiece {
  /** Decrypted. */
  readonly bytes: Uint8Array
  /** Of fragmented MP4: the initialization section, when it is the first or another one. */
  readonly map?: Uint8Array
  /** Its timestamps do not go on from the piece before. */
  readonly discontinuity: boolean
  readonly seconds: number
}

/** An HLS upstream, address for address. Its connection is free again once it was disposed of. */
export interface HlsRelay extends AsyncDisposable {
  readonly host: string
  /** The channel's playlist, master or media; every address in it replaced by `address(name)` of a name that `get` knows. */
  playlist(address: (name: string) => string, signal: AbortSignal): Promise<string>
  /**
   * What a playlist announced under this name; undefined for names that none did, or that were given up long ago.
   *
   * @throws LiveSourceError.
   */
  get(
    name: string,
    request: { readonly address: (name: string) => string; readonly range?: string; readonly signal: AbortSignal },
  ): Promise<RelayedAnswer | undefined>
}

export type RelayedAnswer =
  | { readonly kind: 'playlist'; readonly text: string }
  | {
      readonly kind: 'bytes'
      readonly status: 200 | 206
      readonly contentType: string
      readonly contentRange?: string
      readonly bytes: Uint8Array
    }

/** Why an upstream gave nothing, or no more. */
export type LiveSourceErrorCode =
  | 'busy' // the account's connections are all in use by us
  | 'limited' // the provider says that there are too many, though we have not: it may still count one that has ended
  | 'refused' // not allowed: credentials, address, country
  | 'gone' // the provider does not have it
  | 'not-media' // a page, a text, an empty answer, a playlist without segments, a clip that stands for nothing
  | 'unsupported' // media that cannot be relayed: licensed encryption, unknown containers
  | 'stalled' // no data for too long
  | 'ended' // it ended, or its connection did
  | 'unreachable'
  | 'failed'

export class LiveSourceError extends Error {
  override name = 'LiveSourceError'
  readonly code: LiveSourceErrorCode
  /** Milliseconds that the provider asked to wait. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: LiveSourceErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(message, options)
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}

/** Puts tracks into one transport stream by copying: ffmpeg, reading from pipes and writing to one. */
export interface Muxing {
  /** Starts it. Disposing of it ends the process, and resolves when it is gone. */
  mux(job: MuxJob): Mux
}

export interface MuxJob {
  readonly inputs: readonly {
    readonly format: 'mpegts' | 'mp4' | 'aac' | 'mp3' | 'ac3' | 'eac3'
    readonly language?: string
    /** Seconds to be added to its timestamps: of sound that has none of its own. */
    readonly startsAt?: number
  }[]
  /** Pictures only. Those that are known to be damaged have been taken out already; what ffmpeg finds goes as well. */
  readonly dropCorrupt?: boolean
}

export interface Mux extends AsyncDisposable {
  /** Resolves when the input has room for more. */
  write(input: number, bytes: Uint8Array): Promise<void>
  /** Nothing more comes to this input. */
  end(input: number): void
  /** MPEG-TS. Throws when the process fails. */
  readonly chunks: AsyncIterable<Uint8Array>
}
