export type { Changed } from './edits.ts'
export { QueueError, type QueueErrorCode } from './errors.ts'
export { type EntryState, entryStates, type Move, maxEntries, type Origin, origins, type QueueEntry } from './model.ts'
export type { AccountRest } from './pauses.ts'
export type { LibraryPolicy } from './policy.ts'
export type {
  Budget,
  Candidate,
  Candidates,
  MakeFailure,
  MakeOptions,
  Maker,
  PagedCandidate,
  Priority,
  Progress,
} from './ports.ts'
export { type Queue, type QueueDeps, type QueueOptions, type QueueStats, startQueue } from './queue.ts'
export type { NotMade } from './runner.ts'
export { schemaVersion } from './schema.ts'
