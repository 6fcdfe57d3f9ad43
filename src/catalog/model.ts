import type { ListingFilter } from '../lib/listing-filter.ts'

/** Permanent number of a directory or file of the tree: 16 or above, never reused. */
export type NodeId = number

/** One row of the published tree. */
export interface Node {
  readonly id: NodeId
  /** The root is its own parent. */
  readonly parentId: NodeId
  readonly kind: 'directory' | 'file'
  readonly name: string
  /** Exact bytes of a file; a constant for directories. */
  readonly size: number
  /** Milliseconds since the epoch. Constant for a file; grows when, and only when, a directory's entries change. */
  readonly modifiedAt: number
  /** The rendition that a file holds; null for directories and for sidecars, which are files, too. */
  readonly renditionId: number | null
}

/** A child of a directory, and the directory's time as it was then. */
export interface WalkedNode extends Node {
  readonly parentModifiedAt: number
}

/** The containers that can be published; each has one file extension. */
export type Container = 'mp4' | 'mkv' | 'webm' | 'avi' | 'mpegts' | 'flv' | 'wmv' | 'ogg' | 'mpeg'

/** What a provider serves under a locator: a file by itself, an HLS playlist, or a transport stream. */
export type Stream = 'file' | 'hls' | 'ts'

/**
 * What the bytes of a published file are: the provider's file as it is, an HLS title composed of its segments as they are
 * read, or a file that was made from either.
 */
export type Form = 'file' | 'instant' | 'made'

/** What a measurement found out about the bytes at a locator. */
export interface MeasuredFacts {
  readonly size: number
  readonly container: Container
  /** `file` when not given. */
  readonly form?: Form
  /** Of an instant file: which segments lie where. The catalogue only keeps it. */
  readonly layout?: Uint8Array
  /** False when the provider answers a range with the whole file. */
  readonly ranged: boolean
  readonly etag?: string
  readonly lastModified?: string
}

/** The exact bytes that a file of the tree holds, and where they come from. */
export interface Rendition extends Omit<MeasuredFacts, 'layout'> {
  readonly id: number
  readonly variantId: number
  readonly form: Form
  readonly accountId: string
  readonly locator: string
}

export interface MeasureFailure {
  /** A closed word such as `gone` or `timed-out`; `gone` together with `permanent` takes a published file out after the grace period. */
  readonly code: string
  readonly message: string
  /** True when asking again soon is pointless. */
  readonly permanent: boolean
  /** What the provider asked to wait. */
  readonly retryAfterMs?: number
}

/** What a stream turned out to be, and how that was told: for people. */
export interface Detection {
  readonly stream: Stream
  readonly reason: string
  /** About as many bytes as there are of it, where that is known before it is a file. */
  readonly bytes?: number
}

/**
 * `facts`: it can be published. `index`: its segments are to be measured first. `make`: only a file made from it can be
 * published; what was published of it as an instant file is withdrawn. `failure`: nothing is known, for now.
 */
export type Measurement = { readonly variantId: number } & (
  | { readonly facts: MeasuredFacts; readonly detection?: Detection }
  | { readonly index: Detection }
  | { readonly make: Detection }
  | { readonly failure: MeasureFailure }
)

/** What measuring waits for: a first look at what a stream is, or the lengths of an HLS title's segments. */
export type MeasureLane = 'measure' | 'index'

export interface ToMeasure {
  readonly variantId: number
  readonly accountId: string
  readonly locator: string
}

/** A stream that can be published only as a file made from it. */
export interface ToMake extends VariantDescription {
  /** Where the next page starts. */
  readonly cursor: string
}

/** One stream, for people and for the queue. */
export interface VariantDescription {
  readonly variantId: number
  readonly accountId: string
  readonly locator: string
  readonly stream: Stream | null
  /** Why it is what it is. */
  readonly streamReason: string | null
  readonly toMake: boolean
  /** About as many as the file made from it will have; left out where nobody knows. */
  readonly expectedBytes?: number
  /** The title, with season and episode where it has them: `Film (2019)`, `Show (2019) - s01e02 - Name`. */
  readonly title: string
  /** The provider's own words. */
  readonly name: string
  /** Names of the libraries it belongs in. */
  readonly libraries: readonly string[]
  readonly addedAt: number
  readonly season: number | null
  readonly renditionId: number | null
}

/** Directories whose entries, and so whose modification times, changed, removed ones included; `all` when they are many. */
export interface Changes {
  readonly directories: readonly NodeId[] | 'all'
  /** Directories that were removed, by the names on the way to them from the root; left out when there are none, or very many. */
  readonly gone?: readonly (readonly string[])[]
  /** Films and episodes that had no file before and have one now; left out when there are none. */
  readonly appeared?: Appeared
}

export interface Appeared {
  readonly count: number
  /** Whose files they are: of the first few. */
  readonly variantIds: readonly number[]
}

/** A root folder of the tree and what belongs in it. */
export interface LibraryOptions {
  /** The folder's name, unique whatever the case. */
  readonly name: string
  readonly kind: 'movies' | 'shows'
  readonly filter: ListingFilter
  /** What lies beside its titles' files; nothing when not given. */
  readonly sidecars?: SidecarChoices
}

/** Which small files lie beside the films and episodes of a library (decision 0008); what is not given does not. */
export interface SidecarChoices {
  /** `movie.nfo`, `tvshow.nfo` and one for each episode, in Kodi's format. */
  readonly nfo?: boolean
  /** `.plexmatch` in the folder of each show. */
  readonly plexmatch?: boolean
  /** Posters and backdrops. */
  readonly artwork?: boolean
  /** Subtitles that the provider has as files. */
  readonly subtitles?: boolean
}

/** What a sidecar holds: text that the catalogue composed, or bytes that were fetched for it. */
export type Sidecar = { readonly text: Uint8Array } | { readonly attachment: Attachment }

/** A picture, or subtitles, to be fetched. */
export interface ToAttach {
  readonly attachmentId: number
  readonly accountId: string
  readonly locator: string
}

/** What came of fetching an attachment. */
export type AttachResult = { readonly attachmentId: number } & (
  | { readonly facts: AttachmentFacts }
  | { readonly failure: MeasureFailure }
)

export interface AttachmentFacts {
  readonly size: number
  /** Of all its bytes, in hexadecimal. */
  readonly sha256: string
  /** What its bytes are, by themselves: `jpg`, `png`, `webp`; `srt`, `vtt`, `ass`. */
  readonly extension: string
}

/** A file from elsewhere that lies beside titles: these bytes and no others, for ever. */
export interface Attachment {
  /** Permanent and never reused. */
  readonly id: number
  readonly accountId: string
  readonly locator: string
  readonly size: number
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly sha256: string
}
