/**
 * What one account offers at one moment, as records. The shapes are those that the catalogue asks for in its own port;
 * neither folder imports the other, and a test proves that they fit.
 */
export interface ProviderSnapshot {
  readonly accountId: string
  /** Parts that are fetched, and that fail, by themselves: Xtream has three, a playlist one that holds everything. */
  readonly sections: readonly ProviderSection[]
  /**
   * Categories come before the first record that names them. An empty list is one that the account answered with.
   *
   * @throws ProviderError when the answer cannot be had, is not what it should be, or was cut short; records that came
   * before that stand, but nothing may be concluded from those that did not.
   */
  read(section: ProviderSection, signal: AbortSignal): AsyncIterable<ProviderRecord>
  /** The episodes of one show of a section that does not hold them: one request. */
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
  /** Milliseconds since the epoch. */
  readonly modifiedAt?: number
  readonly complete: boolean
}

/** A season's own facts, where the answer with its episodes has any. */
export interface ProviderSeason {
  readonly type: 'season'
  readonly showKey: string
  readonly season: number
  /** A locator. */
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

/** A row that could not be used, and why. */
export interface Rejected {
  readonly type: 'rejected'
  readonly section: ProviderSection
  readonly row: string
  readonly reason: string
}

interface Listed {
  readonly key: string
  readonly categoryKeys: readonly string[]
  /** A channel's logo as it is; a title's poster as a locator. */
  readonly poster?: string
}

/** What the provider says about a title for people to read; any of it may be missing. */
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

/** Subtitles as a file of its own. */
export interface Subtitle {
  readonly locator: string
  /** As the provider writes it: `en`, `eng`, `English`. */
  readonly language?: string
}

export interface Playable {
  readonly locator: string
  readonly extension?: string
  /** Milliseconds since the epoch. */
  readonly addedAt?: number
}
