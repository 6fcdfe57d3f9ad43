/** A finished file from an HLS title or a transport stream: fetched piece by piece, remuxed, verified, synced. Knows no HTTP and no ffmpeg. */
export { MakingError, type MakingErrorCode } from './errors.ts'
export { makeFile } from './make.ts'
export type { MadeFile, MadeStream, MakeOptions, Progress, Stage, TitleToMake } from './model.ts'
export { readPartial } from './partial.ts'
export type {
  ByteSource,
  MakingPorts,
  MediaFacts,
  MediaInput,
  Outline,
  OutlineSegment,
  OutlineTrack,
  Piece,
  Remux,
  RemuxJob,
  RemuxStream,
  RemuxSubtitles,
  SampleCount,
  SegmentedTitle,
  SegmentSession,
  SegmentSource,
  SessionOptions,
  SourceBody,
} from './ports.ts'
