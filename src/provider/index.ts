/** The IPTV account: its catalogue as records, its files as bytes, its connections as slots. Everything HTTP is in here. */
export { type Account, type AccountDeps, type AccountOptions, openAccount, type Timeouts } from './account.ts'
export type { ByteOptions, FileBody } from './byte-requests.ts'
export { type FetchedDocument, fetchDocument } from './documents.ts'
export { ProviderError, type ProviderErrorCode } from './errors.ts'
export type { FileFacts, Found } from './found.ts'
export type { Validator } from './headers.ts'
export type { Outline, OutlineMap, OutlineSegment, OutlineTrack } from './hls/outline.ts'
export type { HlsSession, HlsTitle, Piece } from './hls/title.ts'
export type { HlsRelay, LiveOptions, LivePiece, LiveStream, LiveTrack, RelayedAnswer } from './live/model.ts'
export type {
  Description,
  Playable,
  ProviderCategory,
  ProviderChannel,
  ProviderEpisode,
  ProviderMovie,
  ProviderRecord,
  ProviderSeason,
  ProviderSection,
  ProviderShow,
  ProviderSnapshot,
  Rejected,
} from './records.ts'
export type { ShortProgramme } from './short-guide.ts'
export { type SlotPriority, type SlotStats, slotPriorities } from './slots.ts'
export type { AccountStatus } from './xtream-status.ts'
