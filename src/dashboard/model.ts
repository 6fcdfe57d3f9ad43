/**
 * What the dashboard shows and is told again when it changes. Plain JSON; what is absent is left out. Times are milliseconds
 * since the epoch. The part in the browser imports these types, so this file imports nothing.
 */
export interface DashboardState {
  readonly server: {
    readonly version: string
    readonly startedAt: number
    /** The built-in demo provider is served, because no account is configured. */
    readonly isDemo: boolean
    /** The configuration that was read, if there is a file. */
    readonly configFile?: string | undefined
  }
  readonly mount: {
    readonly command: string
    readonly fstab: string
    readonly kubernetes: string
  }
  /** What wants attention, the worst first. */
  readonly notices: readonly Notice[]
  readonly nfs: {
    readonly host: string
    readonly port: number
    readonly exports: readonly string[]
    readonly clients: readonly NfsClient[]
    readonly bytesRead: number
    readonly heldReads: number
    readonly jukeboxAnswers: number
    readonly refusedConnections: number
    readonly cacheHits: number
    readonly cacheMisses: number
    /** Those that were called, by name. */
    readonly procedures: Readonly<Record<string, Procedure>>
  }
  readonly accounts: readonly AccountState[]
  readonly catalog: {
    readonly titles: { readonly movie: number; readonly show: number }
    readonly streams: { readonly movie: number; readonly episode: number; readonly channel: number }
    readonly measured: number
    readonly toMake: number
    readonly waiting: number
    readonly failed: number
    readonly libraries: readonly { readonly name: string; readonly kind: 'movies' | 'shows'; readonly files: number }[]
  }
  readonly sync: {
    readonly isRunning: boolean
    readonly progress?: SyncProgress | undefined
    readonly nextAt?: number | undefined
    /** The last report of each account that was ever synced. */
    readonly reports: readonly SyncReport[]
  }
  readonly queue: {
    readonly isPaused: boolean
    readonly states: Readonly<Record<QueueState, number>>
    readonly made: number
    readonly failures: number
    /** The first of them. */
    readonly entries: readonly QueueEntry[]
  }
  readonly cache: {
    readonly entries: number
    readonly bytesCached: number
    readonly budgetBytes: number
    readonly bytesInMemory: number
    readonly hits: number
    readonly misses: number
    readonly evictions: number
    readonly fetches: number
  }
  /** Left out where there is no tuner. */
  readonly live?: {
    readonly channels: number
    readonly sessions: readonly LiveSession[]
    readonly failures: readonly LiveFailure[]
  }
  readonly plex: readonly PlexServer[]
  /** The latest of the samples that are kept. */
  readonly sample?: Sample | undefined
  /** Lines of the log so far. */
  readonly logLines: number
}

export interface Notice {
  readonly weight: 'problem' | 'note'
  readonly what: string
  /** What to do about it. */
  readonly todo?: string
  /** The page of the dashboard that has more. */
  readonly page?: string
}

export interface NfsClient {
  readonly address: string
  readonly since: number
  readonly connections: number
  readonly mounted: string | undefined
}

export interface Procedure {
  readonly calls: number
  readonly errors: number
  /** Calls that were not answered at once. */
  readonly waited: number
  readonly waitedMs: number
  /** How many of those ended within each of `waitBucketsMs`, and above. */
  readonly buckets: readonly number[]
}

/** Upper bounds of `Procedure.buckets`, in milliseconds. */
export const waitBucketsMs: readonly number[] = [1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 20_000, 30_000]

export type SlotPriority = 'live' | 'play' | 'scan' | 'measure'

export interface AccountState {
  readonly id: string
  readonly limit: number
  readonly inUse: Readonly<Record<SlotPriority, number>>
  readonly waiting: Readonly<Record<SlotPriority, number>>
}

export interface SyncProgress {
  readonly accountId: string
  readonly part: string
  readonly done: number
  readonly total?: number
}

export interface SyncReport {
  readonly accountId: string
  readonly startedAt: number
  readonly finishedAt: number
  readonly sections: readonly {
    readonly section: string
    readonly outcome: 'complete' | 'empty' | 'failed' | 'implausible'
    readonly message?: string
    readonly listed: number
    readonly added: number
    readonly updated: number
    readonly missing: number
    readonly rejected: number
  }[]
  readonly episodes: { readonly fetched: number; readonly failed: number; readonly added: number }
  readonly warnings: readonly string[]
}

export type QueueState = 'running' | 'waiting' | 'paused' | 'failed'

export interface QueueEntry {
  readonly place: number
  readonly variantId: number
  readonly accountId: string
  readonly title: string
  readonly origin: string
  readonly state: QueueState
  readonly progress?: { readonly stage: string; readonly bytes: number; readonly expectedBytes?: number }
  readonly reason?: string
  readonly nextTryAt?: number
  readonly addedAt: number
}

export interface LiveSession {
  readonly channel: { readonly id: number; readonly number: string; readonly name: string }
  readonly since: number
  readonly how: 'stream' | 'hls'
  readonly upstream: { readonly name: string; readonly host: string; readonly kind: string } | undefined
  readonly bytesIn: number
  readonly failovers: number
  readonly breaks: number
  readonly gaps: number
  readonly viewers: readonly {
    readonly address: string
    readonly userAgent: string
    readonly since: number
    readonly bytes: number
    readonly skips: number
  }[]
}

export interface LiveFailure {
  readonly channelId: number
  readonly at: number
  readonly code: string
  readonly reason: string
}

export interface PlexServer {
  readonly name: string
  readonly host: string
  readonly isSetUp: boolean
  readonly server: { readonly name: string; readonly version: string } | undefined
  readonly lookedAt: number | undefined
  readonly isWell: boolean | undefined
  readonly problems: readonly string[]
  readonly advice: readonly string[]
  readonly tuners: readonly { readonly name: string; readonly channels: number; readonly mapped: number }[]
  readonly repairs: number
}

/** Sums since the start, and what is so now. Differences of two make a sample. */
export interface Counters {
  /** Bytes of files sent over NFS. */
  readonly nfsBytes: number
  /** Bytes from providers. */
  readonly fetchedBytes: number
  /** Bytes of live channels sent to viewers. */
  readonly liveBytes: number
  readonly calls: number
  readonly waitedCalls: number
  readonly waitedMs: number
  /** Now. */
  readonly connections: number
  /** Now. */
  readonly cachedBytes: number
}

/** One moment of the plots: what happened each second since the one before. */
export interface Sample {
  readonly at: number
  readonly nfsBytes: number
  readonly fetchedBytes: number
  readonly liveBytes: number
  readonly calls: number
  /** How long a call took that was not answered at once, on average; 0 where there was none. */
  readonly waitMs: number
  readonly connections: number
  readonly cachedBytes: number
}

/** Samples by column, the oldest first, as plots take them. */
export type History = { readonly [K in keyof Sample]: readonly number[] }
