export type { EntryState, Failure, FailureCode } from './entry.ts'
export { CacheDirectoryError, MaterializeError, type MaterializeErrorCode } from './errors.ts'
export { type MaterializerDeps, type MaterializerOptions, startMaterializer } from './materializer.ts'
export {
  type MeasuredAccountStats,
  type MeasureFailure,
  type Measurement,
  type MeasureQueue,
  type Measurer,
  type MeasurerDeps,
  type MeasurerOptions,
  type MeasurerStats,
  startMeasurer,
  type ToMeasure,
} from './measure.ts'
export type { Change, FetchStats, Materializer, MaterializerStats, Rendition, RenditionState } from './model.ts'
export type {
  ByteSource,
  Container,
  Measure,
  Priority,
  SourceBody,
  SourceErrorCode,
  SourceFacts,
  SourceRef,
  Validator,
} from './ports.ts'
export { SourceError } from './ports.ts'
