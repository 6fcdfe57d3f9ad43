/** HLS segments become bytes of a file whose size is known in advance: decision 0005. Knows no HTTP, no NFS, no SQL, no ffmpeg. */
export {
  type Body,
  type ByteRange,
  type Composer,
  type ComposerDeps,
  type ComposerOptions,
  type InstantFile,
  openComposer,
} from './composer.ts'
export { RemuxError, type RemuxErrorCode, type UnfitReason } from './errors.ts'
export { countSamples, type SampleCount } from './inspect.ts'
export { Layout, type LayoutSegment, type LayoutTrack } from './layout.ts'
export { decodeLayout, encodeLayout } from './layout-codec.ts'
export { PackingError } from './packing.ts'
export { layOut, type TrackLengths, type Unfit } from './plan.ts'
export type {
  Outline,
  OutlineMap,
  OutlineSegment,
  OutlineTrack,
  Piece,
  Priority,
  SegmentedTitle,
  SegmentSession,
  SegmentSource,
  SessionOptions,
  TitleRef,
} from './ports.ts'
