import type { ByteOptions } from '../byte-requests.ts'
import type { SlotPriority } from '../slots.ts'

export interface LiveOptions extends Omit<ByteOptions, 'priority'> {
  /** Default `live`. */
  readonly priority?: SlotPriority
  /** Headers for this channel, in place of the account's of the same name. */
  readonly headers?: Readonly<Record<string, string>>
  /** Lines of the picture; taller variants are not taken while there are others. */
  readonly maxHeight?: number
}

/** A channel's bytes, over one connection slot. Disposing of it ends its requests and frees the slot. */
export type LiveStream = AsyncDisposable & { readonly host: string } & (
    | { readonly kind: 'ts'; readonly chunks: AsyncIterable<Uint8Array> }
    | { readonly kind: 'hls'; readonly tracks: readonly LiveTrack[] }
  )

export interface LiveTrack {
  readonly type: 'main' | 'audio'
  readonly container: 'mpegts' | 'fmp4' | 'packed-audio'
  readonly language?: string
  /** To be read once. Ends with the playlist; throws ProviderError. */
  readonly pieces: AsyncIterable<LivePiece>
}

/** A segment, decrypted. */
export interface LivePiece {
  readonly bytes: Uint8Array
  /** The initialization section, with the first segment that needs it, and with each that needs another one. */
  readonly map?: Uint8Array
  readonly discontinuity: boolean
  readonly seconds: number
}

/** An HLS channel for clients that speak HLS. Everything in its playlists goes by names of ours. */
export interface HlsRelay extends AsyncDisposable {
  readonly host: string
  playlist(address: (name: string) => string, signal: AbortSignal): Promise<string>
  /** Undefined for names that none of its playlists announced. @throws ProviderError. */
  get(name: string, request: RelayRequest): Promise<RelayedAnswer | undefined>
}

export interface RelayRequest {
  readonly address: (name: string) => string
  /** A Range header. */
  readonly range?: string
  readonly signal: AbortSignal
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
