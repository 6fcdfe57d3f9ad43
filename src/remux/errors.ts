export type RemuxErrorCode =
  | 'unfit' // right in itself, but not to be had as an instant file, for the reason given
  | 'changed' // a segment has another length than the title was laid out with
  | 'malformed' // a segment is not what it should be: a page, garbage, a stream that breaks its own rules

/** Why a title, or a segment of it, cannot be part of an instant file. */
export type UnfitReason =
  | 'empty' // no segments, or nothing but gaps
  | 'unknown-length' // the server does not tell how long a segment is
  | 'too-large' // more tracks, segments or bytes than the limits at the top of layout.ts
  | 'maps' // a track's initialization section changes, or is missing from some of its segments
  | 'mixed' // tracks of fragmented MP4 beside others
  | 'discontinuities' // tracks that do not break off at the same places
  | 'protected' // DRM, or a scrambled transport stream
  | 'codec' // a codec that is not carried, or parameters of one that are not
  | 'streams' // streams or codecs that are not those of the title's beginning
  | 'cut' // a frame that begins in one segment and ends in the next
  | 'times' // timestamps that are missing or far from where the playlist puts them
  | 'durations' // a playlist whose durations are too short for what it lists
  | 'room' // more bytes than the layout has room for
  | 'structure' // valid, and not handled: absolute offsets, several pictures in one packet

/** A segment that cannot be made part of its file. */
export class RemuxError extends Error {
  override name = 'RemuxError'
  readonly code: RemuxErrorCode
  /** With code `unfit`. */
  readonly reason: UnfitReason | undefined

  constructor(code: RemuxErrorCode, message: string, options?: ErrorOptions & { reason?: UnfitReason | undefined }) {
    super(message, options)
    this.code = code
    this.reason = options?.reason
  }
}

export const unfit = (reason: UnfitReason, message: string) => new RemuxError('unfit', message, { reason })
export const malformed = (message: string) => new RemuxError('malformed', message)
