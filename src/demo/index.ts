/** A small Xtream provider with real films and adjustable faults: the demo's upstream, and the tests'. See docs/demo.md. */
export type { Catalogue, Channel, Episode, Movie, Show, StreamKind } from './catalogue.ts'
export type { AnswerFaults, CatalogueChanges, Faults, RowFaults, Target } from './faults.ts'
export { type HlsSegment, type HlsTitle, type HlsTrack, sentSegment } from './hls.ts'
export { type Media, readAll } from './media.ts'
export type { MakingProgress } from './media-set.ts'
export { type DemoDeps, type DemoOptions, type DemoProvider, startDemoProvider } from './provider.ts'
export type { Connections, RequestKind, RequestRecord } from './request-log.ts'
export type { SyntheticOptions } from './synthetic.ts'
