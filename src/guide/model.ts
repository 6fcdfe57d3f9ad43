import type { LinkedBy, LinkSuggestion } from './link.ts'
import type { Problems } from './problems.ts'

/** Everything here is plain data, to be sent from thread to thread. Times are milliseconds since the epoch. */

export interface GuideOptions {
  /** How much of what is over is kept; default 6 hours. */
  readonly pastMs?: number
  /** Days ahead; default 7. */
  readonly days?: number
  /** Whether channels without programmes get blocks with their name; default true. */
  readonly placeholders?: boolean
  /** Whether channels without programmes are left out; default false. Those that are dead always are. */
  readonly pruneEmpty?: boolean
  /** A number, guide id or name of ours → an id of a source. */
  readonly aliases?: Readonly<Record<string, string>>
  /** Questions to providers about single channels, for each refresh; default 100. */
  readonly maxShortQuestions?: number
}

/** From `from` on, up to but without `to`. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** A finished guide on disk. It stays where it is until the guide after the next one is there. */
export interface GuideFile {
  /** XMLTV, and the same gzipped. */
  readonly path: string
  readonly gzipPath: string
  readonly bytes: number
  readonly gzipBytes: number
  /** Of the content, strong, with its quotes (RFC 9110 section 8.8.3). */
  readonly etag: string
  /** When the content last became another. */
  readonly modifiedAt: number
}

/** A programme as it is in the guide. */
export interface StoredProgramme {
  readonly start: number
  readonly stop: number
  readonly title: string
  readonly subTitle?: string
  readonly description?: string
  readonly categories: readonly string[]
  /** `S01E02`. */
  readonly episode?: string
  readonly icon?: string
  /** Where it is from: the name of a source, `short` or `placeholder`. */
  readonly source: string
}

/** How the guide came about. */
export interface GuideReport {
  /** When it was last laid out; undefined when never. */
  readonly builtAt: number | undefined
  /** By priority. */
  readonly sources: readonly SourceReport[]
  readonly channels: readonly ChannelReport[]
  /** What was put right in programmes of linked channels when they were put in order. */
  readonly repaired: Problems
}

export interface SourceReport {
  readonly name: string
  readonly priority: number
  /** When its document was fetched, and last asked for; undefined when never. */
  readonly fetchedAt: number | undefined
  readonly checkedAt: number | undefined
  /** Of the document as it was transferred. */
  readonly bytes: number
  /** In the document. */
  readonly channels: number
  readonly programmes: number
  /** Channels of ours that it was found to have, and its programmes that are in the guide. */
  readonly linked: number
  readonly used: number
  /** Why the last try gave nothing; what it gave before is kept. */
  readonly error?: string
  /** Why the end of the document was not read. */
  readonly broken?: string
  /** What was put right while it was read. */
  readonly problems: Problems
}

export interface ChannelReport {
  readonly channelId: number
  readonly device: number
  readonly number: string
  readonly guideId: string
  readonly name: string
  /** Where it was found, the best source first; empty when nowhere. */
  readonly links: readonly { readonly source: string; readonly by: LinkedBy; readonly key: string }[]
  /** Programmes in the guide, placeholders among them, and how many are from where. */
  readonly programmes: number
  readonly from: Readonly<Record<string, number>>
  /** When the last of them that is no placeholder ends. */
  readonly until: number | undefined
  /** Of a channel that was found nowhere: what it may be called. None beyond the first 2,000 such channels. */
  readonly suggestions: readonly LinkSuggestion[]
  /** Why it is not in the guide. */
  readonly pruned?: 'dead' | 'empty'
}
