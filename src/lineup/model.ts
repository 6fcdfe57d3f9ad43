/** Channels as people tune to them. Everything here is plain data, to be sent from thread to thread. */

/** A channel of a provider's list, as the catalogue has it. */
export interface ListedChannel {
  /** The catalogue's permanent id of the row. */
  readonly listingId: number
  readonly accountId: string
  /** The provider's id of it. */
  readonly key: string | undefined
  /** The provider's own words. */
  readonly name: string
  /** Names of its categories. */
  readonly categories: readonly string[]
  readonly number?: number | undefined
  /** `epg_channel_id`, `tvg-id`. */
  readonly guideId?: string | undefined
  readonly logo?: string | undefined
  /** Days that can be watched later; 0 or left out for none. */
  readonly archiveDays?: number | undefined
  readonly locator: string
  /** As read from the name: `4K`, `1080p`, `HEVC` … */
  readonly quality: readonly string[]
  /** Language and country codes as read from the name: `DE`, `EN` … */
  readonly languages: readonly string[]
}

/** One provider stream of a channel. */
export interface ChannelUpstream {
  /** The listing's id: permanent. */
  readonly id: number
  readonly accountId: string
  readonly locator: string
  /** The provider's own words. */
  readonly name: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Channel {
  /** Permanent, never given to another channel. */
  readonly id: number
  /** Guide number: permanent, never reused. Text, because `5.1` is one. */
  readonly number: string
  /** The channel's id in our XMLTV, such as `kbrzt.tv`: permanent, never reused. */
  readonly guideId: string
  readonly name: string
  readonly logo?: string
  /** The provider's category that it was filed under. */
  readonly group?: string
  readonly language?: string
  readonly isHd: boolean
  readonly isFavorite: boolean
  /** How the guide may find its programmes: ids by priority, then names. */
  readonly guideHints: { readonly ids: readonly string[]; readonly names: readonly string[] }
  /** Added to its programmes' times, in minutes. */
  readonly shiftMinutes: number
  readonly archiveDays: number
  readonly dropCorrupt: boolean
  /** Tests found all of its upstreams dead. */
  readonly isDead: boolean
  /** In the order they are tried. */
  readonly upstreams: readonly ChannelUpstream[]
}

/** A tuner that we pretend to be. */
export interface Device {
  /** Permanent: 0 is the first. Part of its addresses. */
  readonly index: number
  /** 8 hexadecimal digits, upper case, with the maker's checksum. Permanent. */
  readonly deviceId: string
  readonly name: string
  /** Simultaneous streams it says it has; undefined: as many as the accounts allow. */
  readonly tuners?: number
  readonly scanPossible: boolean
  /** By number. */
  readonly channels: readonly Channel[]
}

export interface Lineup {
  readonly devices: readonly Device[]
  /** Milliseconds since the epoch: when any of it last became different. */
  readonly changedAt: number
}

/** What people may change of a channel. */
export interface ChannelPatch {
  readonly name?: string
  /** A number that no other channel has or ever had. */
  readonly number?: string
  readonly logo?: string
  readonly group?: string
  /** Where the guide has its programmes: ids of guides, the first that is there. */
  readonly guideIds?: readonly string[]
  readonly shiftMinutes?: number
  readonly hidden?: boolean
  readonly favorite?: boolean
  readonly dropCorrupt?: boolean
  readonly headers?: Readonly<Record<string, string>>
  /** Listing ids of upstreams that are not used. */
  readonly blacklist?: readonly number[]
  /** Listing ids of upstreams that are this channel's, whatever they are called. */
  readonly adopt?: readonly number[]
  /** Listing ids of upstreams that are channels of their own. */
  readonly separate?: readonly number[]
}

/** A row of a file of changes: which channels, by what the provider calls them, a number or a guide id; and what changes. */
export interface OverrideRow {
  readonly match: string
  readonly patch: ChannelPatch
}

export type TestOutcome =
  | { readonly is: 'ok'; readonly ms: number; readonly kind: string; readonly codecs?: readonly string[] }
  | { readonly is: 'dead'; readonly code: string; readonly reason: string }
  /** It says nothing: no connection was free, the account refused, the server was stopping. */
  | { readonly is: 'unknown'; readonly reason: string }

export interface TestResult {
  readonly upstreamId: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly outcome: TestOutcome
}

export interface ToTest {
  readonly upstreamId: number
  readonly accountId: string
  readonly locator: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A channel with all that is known of it, for people. */
export interface ChannelDetails extends Channel {
  readonly device: number | undefined
  readonly isHidden: boolean
  /** What people changed. */
  readonly patch: ChannelPatch | undefined
  readonly tests: readonly TestResult[]
}

/** How the lineup came about. */
export interface LineupReport {
  readonly listed: number
  readonly separators: number
  readonly filtered: number
  readonly withoutGuideId: number
  readonly hidden: number
  readonly dead: number
  readonly channels: number
  readonly upstreams: number
  readonly devices: readonly {
    readonly index: number
    readonly deviceId: string
    readonly name: string
    readonly channels: number
  }[]
  /** In words. */
  readonly problems: readonly string[]
}
