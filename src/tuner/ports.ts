/** What the tuner asks of the rest of the program. */

export interface TunerChannel {
  readonly id: number
  readonly number: string
  readonly guideId: string
  readonly name: string
  readonly logo?: string
  readonly group?: string
  readonly isHd: boolean
  readonly isFavorite: boolean
  readonly archiveDays: number
}

export interface TunerDevice {
  /** 0 is the first, that lives at the root of the server; others live below `/d<index>`. */
  readonly index: number
  /** 8 hexadecimal digits with the maker's checksum. */
  readonly deviceId: string
  readonly name: string
  /** Simultaneous streams; at least 1. */
  readonly tuners: number
  readonly scanPossible: boolean
  /** By number. */
  readonly channels: readonly TunerChannel[]
}

/** The devices at the moment. `isReady` is false until there was a first lineup. */
export interface Devices {
  readonly isReady: boolean
  readonly devices: readonly TunerDevice[]
}

/** What a stream is for, as far as is known. */
export interface StreamRequest {
  readonly device: number
  readonly channelId: number
  /** `10.0.0.5` */
  readonly address: string
  readonly userAgent: string
  readonly signal: AbortSignal
}

/** The codes of the device family's X-HDHomeRun-Error header. */
export type TunerErrorCode =
  | 'unknown-channel' // 801
  | 'all-tuners-in-use' // 805
  | 'tune-failed' // 806
  | 'no-video-data' // 807
  | 'not-available' // 811

export class TunerError extends Error {
  override name = 'TunerError'
  readonly code: TunerErrorCode

  constructor(code: TunerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface OpenedStream extends AsyncDisposable {
  /** MPEG-TS; each chunk is whole packets. Not to be changed, other viewers get the same memory; it is used again some 512 KiB later. */
  readonly chunks: AsyncIterable<Uint8Array>
}

export interface Streams {
  /** Resolves when there are bytes to send. @throws TunerError. */
  open(request: StreamRequest): Promise<OpenedStream>
  /** The channel as an HLS playlist; addresses in it are made by `address`. @throws TunerError. */
  playlist(request: StreamRequest, address: (name: string) => string): Promise<string>
  /** What a playlist announced; undefined for everything else. @throws TunerError. */
  piece(
    request: StreamRequest,
    name: string,
    wanted: { readonly address: (name: string) => string; readonly range?: string },
  ): Promise<StreamPiece | undefined>
  /** Whether each of a device's tuners is in use: the channel number that it is tuned to, or undefined. */
  tuners(device: number): readonly (string | undefined)[]
}

export type StreamPiece =
  | { readonly kind: 'playlist'; readonly text: string }
  | {
      readonly kind: 'bytes'
      readonly status: 200 | 206
      readonly contentType: string
      readonly contentRange?: string
      readonly bytes: Uint8Array
    }

/** A finished guide on disk. */
export interface GuideFile {
  /** XMLTV, and the same gzipped. */
  readonly path: string
  readonly gzipPath: string
  readonly bytes: number
  readonly gzipBytes: number
  /** Strong, with its quotes. */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

export interface Guides {
  /** The last good one; undefined until there was a first. */
  latest(device: number): GuideFile | undefined
}
