/** What the rest of the program wants Jellyfin to have. */

export interface WantedTuner {
  /** 8 hexadecimal digits. */
  readonly deviceId: string
  readonly name: string
  /** Where Jellyfin reaches it, without a slash at the end: `http://10.0.0.5:5004/d1`. */
  readonly uri: string
  readonly guideUrl: string
}

export interface WantedLibrary {
  readonly name: string
  readonly kind: 'movies' | 'shows'
  /** Its folder as the host of Jellyfin sees it. */
  readonly path: string
}

export interface Wanted {
  /** `http://10.0.0.5:5004`: tuners of Jellyfin below it are ours. Undefined leaves live TV alone. */
  readonly base: string | undefined
  readonly tuners: readonly WantedTuner[]
  readonly libraries: readonly WantedLibrary[]
}
