/** Who is waiting for the bytes; a connection slot of the account goes to the first of these. */
export type Priority = 'play' | 'scan' | 'measure'

/** What the queue can have made: a film's stream, or an episode's. */
export interface Candidate {
  readonly variantId: number
  readonly accountId: string
  /** For people, such as `Harbour Lights (2019) - s01e02 - Departures`. */
  readonly title: string
  /** The provider's own words. */
  readonly name: string
  /** Names of the libraries it belongs to. */
  readonly libraries: readonly string[]
  /** Milliseconds since the epoch. */
  readonly addedAt: number
  /** It is not listed until a file has been made from it. Of the others, all bytes can be brought here. */
  readonly toMake: boolean
  /** Size of the made file as far as it can be told. */
  readonly expectedBytes?: number
}

/** A candidate of a page, and where the next page starts. */
export interface PagedCandidate extends Candidate {
  readonly cursor: string
}

/** What there is to make. Answers at once, from a database of this machine. */
export interface Candidates {
  /** Up to `limit` titles that wait to be made, the newest first, behind a page's cursor. */
  next(limit: number, after?: string): readonly PagedCandidate[]
  /** Undefined when there is no such title, or none any more. */
  describe(variantId: number): Candidate | undefined
}

/** How far the making of one title is. */
export interface Progress {
  /** What is being done, such as `fetching`: one word for people. */
  readonly stage: string
  readonly bytes: number
  readonly expectedBytes?: number
}

export interface MakeOptions {
  readonly priority: Priority
  /** When it is aborted, what was fetched is kept for the next time, and the promise rejects. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/** Makes files. */
export interface Maker {
  /**
   * Resolves when the file is made and published, or all bytes of a title that is listed already are in the cache; at once
   * when there is nothing left to do. Throws MakeFailure.
   */
  make(variantId: number, options: MakeOptions): Promise<void>
}

/**
 * What `make` rejects with. `preempted` and `no-slot` mean that players come first: the title is not to blame. The message
 * holds neither addresses nor credentials.
 */
export interface MakeFailure extends Error {
  readonly code: string
  /** True when trying again soon is pointless. */
  readonly permanent?: boolean
  /** Milliseconds that the provider asked to wait. */
  readonly retryAfterMs?: number
}

/** The place that made files may take. */
export interface Budget {
  /** Bytes that more files may be made of; neither what is being made nor what waits is taken off. */
  room(): number
}
