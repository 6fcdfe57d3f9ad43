import type { MadeContainer, Priority, TitleRef } from './ports.ts'

/** A title that is made into a file: an HLS title, or one that is an MPEG transport stream. */
export interface TitleToMake extends TitleRef {
  /** Permanent: names the directory in which it is made. */
  readonly variantId: number
  readonly form: 'hls' | 'ts'
}

export interface MakeOptions {
  /** Where titles are made, each in a directory of its own. On the disk that the finished file is for: it is renamed there. */
  readonly directory: string
  readonly priority: Priority
  readonly signal: AbortSignal
  /** Called at the beginning of each stage and then at most twice a second. */
  readonly onProgress?: (progress: Progress) => void
}

export type Stage = 'plan' | 'fetch' | 'remux' | 'verify' | 'finish'

export interface Progress {
  readonly stage: Stage
  /** Fetched and on disk; while remuxing, the same. */
  readonly bytes: number
  readonly expectedBytes?: number
  /** Segments and initialization sections; of a transport stream, 1. */
  readonly pieces: number
  readonly totalPieces: number
  /** Of the remuxing: 0 to 1. */
  readonly share?: number
}

export interface MadeStream {
  readonly type: 'video' | 'audio' | 'subtitle'
  readonly codec: string
  readonly language?: string
  readonly packets?: number
}

/** A finished file, synced, with its index in front. */
export interface MadeFile {
  readonly path: string
  readonly size: number
  readonly container: MadeContainer
  /** Of all its bytes, as `followed-file.ts` says. */
  readonly digest: string
  readonly seconds: number
  readonly streams: readonly MadeStream[]
  /** What a person should know of it: what is missing, what was left out. */
  readonly notes: readonly string[]
}
