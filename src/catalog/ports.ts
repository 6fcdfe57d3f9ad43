/**
 * What one provider account offers at one moment, as records in any order. Sync walks it once and keeps none of it.
 * Credentials never appear here: a locator is text that only the provider can turn into a URL.
 */
export interface ProviderSnapshot {
  readonly accountId: string
  /** Parts that are fetched, and that fail, by themselves: Xtream has three, a playlist one that holds everything. */
  readonly sections: readonly ProviderSection[]
  /** Throws ProviderError when the answer cannot be had, is not what it should be, or was cut short. */
  read(section: ProviderSection, signal: AbortSignal): AsyncIterable<ProviderRecord>
  /** The episodes of one show, where the section itself does not hold them: one request. */
  episodes(showKey: string, signal: AbortSignal): Promise<readonly ProviderRecord[]>
}

export type ProviderSection = 'movies' | 'shows' | 'channels' | 'playlist'
export type ProviderRecord =
  | ProviderCategory
  | ProviderMovie
  | ProviderShow
  | ProviderSeason
  | ProviderEpisode
  | ProviderChannel
  | Rejected

export interface ProviderCategory {
  readonly type: 'category'
  readonly of: 'movie' | 'show' | 'channel'
  readonly key: string
  readonly name: string
}

export interface ProviderMovie extends Listed {
  readonly type: 'movie'
  /** Provider's own text, decoration and all. */
  readonly name: string
  readonly year?: number
  readonly tmdbId?: string
  readonly imdbId?: string
  readonly description?: Description
  readonly playable: Playable
}

export interface ProviderShow extends Listed {
  readonly type: 'show'
  readonly name: string
  readonly year?: number
  readonly tmdbId?: string
  readonly description?: Description
  /** Milliseconds since the epoch; another value means that the episodes should be fetched again. */
  readonly modifiedAt?: number
  /** True when this section holds the episodes too, so that nothing is left to fetch. */
  readonly complete: boolean
}

/** A season's own facts, where the answer with its episodes has any. */
export interface ProviderSeason {
  readonly type: 'season'
  readonly showKey: string
  readonly season: number
  /** A locator: an address without the account's login. */
  readonly poster?: string
}

export interface ProviderEpisode {
  readonly type: 'episode'
  readonly key: string
  readonly showKey: string
  readonly season: number
  readonly number: number
  readonly title?: string
  readonly description?: Description
  readonly playable: Playable
}

export interface ProviderChannel extends Listed {
  readonly type: 'channel'
  readonly name: string
  readonly number?: number
  readonly guideId?: string
  readonly archiveDays?: number
  readonly locator: string
}

/** A row that could not be used, and why; the rest of the answer is unharmed. */
export interface Rejected {
  readonly type: 'rejected'
  readonly section: ProviderSection
  /** The row's id or name where it could be read, else its position. */
  readonly row: string
  readonly reason: string
}

interface Listed {
  /** The provider's id, unique within the account and type. */
  readonly key: string
  readonly categoryKeys: readonly string[]
  /** A channel's logo as it is; a title's poster as a locator, an address without the account's login. */
  readonly poster?: string
}

/** What a provider says about a title for people to read; any of it may be missing. */
export interface Description {
  readonly plot?: string
  readonly originalTitle?: string
  readonly genres?: readonly string[]
  /** Above 0, up to 10. */
  readonly rating?: number
  readonly directors?: readonly string[]
  readonly cast?: readonly string[]
  /** Such as `2019-05-01`. */
  readonly premiered?: string
  readonly runtimeMinutes?: number
  /** A video's id at YouTube. */
  readonly trailer?: string
  /** The locator of a wide picture. */
  readonly backdrop?: string
  readonly subtitles?: readonly Subtitle[]
}

/** Subtitles that the provider has as a file of its own. */
export interface Subtitle {
  readonly locator: string
  /** As the provider writes it: `en`, `eng`, `English`. */
  readonly language?: string
}

export interface Playable {
  readonly locator: string
  /** The file extension the provider claims, lower case without a dot; claims may be wrong. */
  readonly extension?: string
  /** When the provider added it, milliseconds since the epoch. */
  readonly addedAt?: number
}
