import type { ByteOptions } from '../byte-requests.ts'
import type { Wanted } from './choose.ts'
import { Connection, type HlsPorts } from './connection.ts'
import { CookieJar } from './cookies.ts'
import { load } from './load.ts'
import { HlsTitle } from './title.ts'

/** Opening a title again within this time costs no request. Its addresses are renewed later, too, when they run out. */
const keptMs = 5 * 60_000
const maxTitles = 64
/** Of all titles that are kept: each has an address of some hundred characters. */
const maxSegments = 200_000

export interface HlsOptions extends ByteOptions, Wanted {
  /** Its playlists are read even when that was done lately: what was kept may not be offered any more. */
  readonly anew?: boolean
}

interface Kept {
  readonly title: HlsTitle
  readonly maxHeight: number | undefined
  readonly until: number
  readonly segments: number
}

/** The account's HLS titles, those opened last kept. */
export class HlsTitles {
  readonly #ports: HlsPorts
  /** By locator, the one used last at the end. */
  readonly #kept = new Map<string, Kept>()

  constructor(ports: HlsPorts) {
    this.#ports = ports
  }

  /** Reads a title's playlists over a connection slot, unless that was done lately and is not wanted anew. @throws ProviderError. */
  async open(locator: string, options: HlsOptions): Promise<HlsTitle> {
    const target = this.#ports.locators.target(locator)
    const kept = this.#find(locator, options)
    if (kept !== undefined) return kept
    const place = { target, cookies: new CookieJar() }
    using connection = await Connection.open(this.#ports, place, options)
    const meanwhile = this.#find(locator, options)
    if (meanwhile !== undefined) return meanwhile
    const title = new HlsTitle(locator, await load(connection, target, options), place, this.#ports)
    this.#keep(locator, title, options)
    return title
  }

  #find(locator: string, { choice, maxHeight, anew = false }: HlsOptions): HlsTitle | undefined {
    const kept = this.#kept.get(locator)
    if (anew || kept === undefined || kept.until < this.#ports.clock.now() || kept.title.isOutdated) return undefined
    const fits = choice === undefined ? kept.maxHeight === maxHeight : kept.title.outline.choice === choice
    if (!fits) return undefined
    this.#kept.delete(locator)
    this.#kept.set(locator, kept)
    return kept.title
  }

  #keep(locator: string, title: HlsTitle, { maxHeight }: Wanted): void {
    const segments = title.outline.tracks.reduce((sum, track) => sum + track.segments.length, 0)
    this.#kept.delete(locator)
    this.#kept.set(locator, { title, maxHeight, until: this.#ports.clock.now() + keptMs, segments })
    let total = [...this.#kept.values()].reduce((sum, kept) => sum + kept.segments, 0)
    for (const [oldest, { segments }] of this.#kept) {
      if (this.#kept.size <= maxTitles && total <= maxSegments) return
      this.#kept.delete(oldest)
      total -= segments
    }
  }
}
