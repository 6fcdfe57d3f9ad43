import type { ByteOptions } from '../byte-requests.ts'
import { ProviderError } from '../errors.ts'
import { Addresses } from './addresses.ts'
import { Connection, type HlsPorts, type Place } from './connection.ts'
import { Lengths } from './lengths.ts'
import { type Loaded, load } from './load.ts'
import type { Key, Resource } from './media-playlist.ts'
import type { Outline } from './outline.ts'
import { decrypted, requireMedia, transfer, transferKey } from './transfer.ts'

/** Something of a track that is fetched as a whole. */
export type Piece = { readonly segment: number } | { readonly map: number }

/** An HLS title whose playlists have been read. */
export class HlsTitle {
  readonly outline: Outline
  readonly #ports: HlsPorts
  readonly #place: Place
  readonly #addresses: Addresses
  readonly #lengths = new Lengths()

  constructor(locator: string, loaded: Loaded, place: Place, ports: HlsPorts) {
    const { choice } = loaded.outline
    const reload = (connection: Connection) => load(connection, ports.locators.target(locator), { choice })
    this.outline = loaded.outline
    this.#ports = ports
    this.#place = place
    this.#addresses = new Addresses(loaded, reload, ports.clock)
  }

  /** True once the provider has been seen to offer something else under the same locator. */
  get isOutdated(): boolean {
    return this.#addresses.isOutdated
  }

  /** Waits for a connection slot, which is held until the session is disposed of. @throws ProviderError `no-slot`. */
  async session(options: ByteOptions): Promise<HlsSession> {
    const connection = await Connection.open(this.#ports, this.#place, options)
    return new HlsSession(connection, this.#addresses, this.#lengths, this)
  }

  /**
   * What messages call a piece: `segment 12 of movie/34.m3u8`, `map 0 of audio track 1 of …`.
   *
   * @throws RangeError when there is none, ProviderError `gone` when the playlist says that it is a gap.
   */
  label(track: number, piece: Piece): string {
    const { kind, segments, maps } = this.outline.tracks[track] ?? { kind: 'main', segments: [], maps: [] }
    const name = 'segment' in piece ? `segment ${piece.segment}` : `map ${piece.map}`
    const of = kind === 'main' ? '' : ` of ${kind} track ${track}`
    const label = `${name}${of} of ${this.#place.target.label}`
    const found = 'segment' in piece ? segments[piece.segment] : maps[piece.map]
    if (found === undefined) throw new RangeError(`Track ${track} has no ${label}`)
    if ('gap' in found && found.gap)
      throw new ProviderError('gone', `Cannot read ${label}: the playlist says that it is a gap`)
    return label
  }
}

/** One connection, on which what is asked is done one after the other. Every method throws ProviderError. */
export class HlsSession implements AsyncDisposable {
  readonly #connection: Connection
  readonly #addresses: Addresses
  readonly #lengths: Lengths
  readonly #title: HlsTitle
  #last: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection, addresses: Addresses, lengths: Lengths, title: HlsTitle) {
    this.#connection = connection
    this.#addresses = addresses
    this.#lengths = lengths
    this.#title = title
  }

  /** Bytes as transferred (still encrypted), by one small request or none; undefined when the server does not tell. */
  lengthOf(track: number, piece: Piece): Promise<number | undefined> {
    return this.#inTurn(track, piece, async ({ url, range }, label) =>
      range === undefined ? this.#lengths.of(this.#connection, url, label) : range.to - range.from,
    )
  }

  /** All of it, decrypted. A key that is gone is no gap: it is `refused`. */
  async read(track: number, piece: Piece): Promise<Uint8Array> {
    let isAtKey = false
    const bytes = this.#inTurn(track, piece, async (resource, label) => {
      const texts = this.#title.outline.tracks[track]!.kind === 'subtitles'
      isAtKey = resource.key !== undefined
      const key = resource.key && (await this.#keyBytes(resource.key, label))
      isAtKey = false
      const bytes = await transfer(this.#connection, resource, label)
      // An error's page is not encrypted; that encrypted bytes look like a text may happen, when they are few.
      requireMedia(bytes, { label, texts: texts || key !== undefined })
      if (key === undefined) return bytes
      const plain = decrypted(bytes, key, resource.key!.iv, label)
      requireMedia(plain, { label, texts })
      return plain
    })
    return bytes.catch(error => {
      if (!isAtKey || !(error instanceof ProviderError) || error.code !== 'gone') throw error
      throw new ProviderError('refused', error.message, { cause: error, permanent: false })
    })
  }

  /** Told true while the reader could do without the connection for now, so that an equal may take its slot; false when not. */
  yieldable(value: boolean): void {
    this.#connection.yieldable = value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]()
  }

  #inTurn<T>(track: number, piece: Piece, work: (resource: Resource, label: string) => Promise<T>): Promise<T> {
    const next = async () => {
      const label = this.#title.label(track, piece)
      await this.#connection.giveWay()
      this.#connection.signal.throwIfAborted()
      return this.#addresses.use(this.#connection, ({ [track]: found }) => {
        const resource = 'segment' in piece ? found!.segments[piece.segment] : found!.maps[piece.map]
        return work(resource!, label)
      })
    }
    const done = this.#last.then(next, next)
    this.#last = done.catch(() => {})
    return done
  }

  async #keyBytes({ url }: Key, label: string): Promise<Uint8Array> {
    const { keys } = this.#addresses
    const key = keys.get(url) ?? (await transferKey(this.#connection, url, `the key for ${label}`))
    keys.set(url, key)
    return key
  }
}
