/** What the guide asks of the rest of the program. */

/** A place that programmes come from. The one with the lowest `priority` wins; others fill what it leaves open. */
export interface GuideSource {
  /** For reports and as the name of what is kept: unique, without anything secret. */
  readonly name: string
  readonly priority: number
  /**
   * The XMLTV document, as it is transferred (gzip and xz are recognised by their first bytes). `validators` are those of the last
   * time; resolves undefined when it is still that document.
   */
  open(validators: SourceValidators | undefined, signal: AbortSignal): Promise<OpenedSource | undefined>
}

export interface SourceValidators {
  readonly etag?: string
  readonly lastModified?: string
}

export interface OpenedSource extends SourceValidators, AsyncDisposable {
  readonly chunks: AsyncIterable<Uint8Array>
}

/** A channel that wants programmes. */
export interface GuideChannel {
  readonly id: number
  readonly number: string
  /** Its id in our XMLTV. */
  readonly guideId: string
  readonly name: string
  readonly logo?: string
  readonly group?: string
  readonly hints: { readonly ids: readonly string[]; readonly names: readonly string[] }
  readonly shiftMinutes: number
  /** It has been found dead: it gets no guide. */
  readonly isDead: boolean
  /** Upstreams that may be asked for what is on. */
  readonly upstreams: readonly { readonly accountId: string; readonly locator: string }[]
}

export interface GuideDevice {
  readonly index: number
  readonly channels: readonly GuideChannel[]
}

/** A programme as a provider tells it outside of XMLTV (get_short_epg). Times are milliseconds since the epoch. */
export interface ShortProgramme {
  readonly start: number
  readonly stop: number
  readonly title: string
  readonly description?: string
}

/** What is on now and next, by one question to the provider's API. Undefined when the provider has no such question. */
export type AskShort = (
  upstream: { readonly accountId: string; readonly locator: string },
  limit: number,
  signal: AbortSignal,
) => Promise<readonly ShortProgramme[] | undefined>
