/** What the rest of the program wants Plex to have. */

export interface WantedChannel {
  readonly number: string
  /** The channel's id in the guide. */
  readonly guideId: string
  readonly name: string
}

/** A tuner of ours. */
export interface WantedTuner {
  /** 8 hexadecimal digits. */
  readonly deviceId: string
  readonly name: string
  /** Where Plex reaches it, without a slash at the end: `http://10.0.0.5:5004/d1`. */
  readonly uri: string
  /** Where Plex reaches its guide. */
  readonly guideUrl: string
  /** When that guide last became different, milliseconds since the epoch; undefined until there is one. */
  readonly guideModifiedAt: number | undefined
  readonly channels: readonly WantedChannel[]
}

/** All tuners of ours. What else Plex has below `base` was ours and is no longer. */
export interface WantedTuners {
  /** `http://10.0.0.5:5004` */
  readonly base: string
  readonly tuners: readonly WantedTuner[]
  /** The guide's language, ISO 639-2: `eng`. */
  readonly language: string
}

/** A library of ours that Plex is to have. */
export interface WantedLibrary {
  /** The name of its folder, and what Plex is to call it. */
  readonly name: string
  readonly kind: 'movies' | 'shows'
  /** Its folder as the host of Plex sees it: `/mnt/reelport/Movies`. */
  readonly path: string
  /** Names of a few folders that are in it now; none for an empty library. */
  readonly sample: readonly string[]
}

export interface WantedLibraries {
  readonly libraries: readonly WantedLibrary[]
  /** For titles and texts: `en-US`. */
  readonly language: string
  /** Where the server has it: the agent that takes titles from NFO files instead of looking them up. */
  readonly agent: 'plex' | 'nfo'
}
