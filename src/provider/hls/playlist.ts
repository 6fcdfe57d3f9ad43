import { sniffText } from '../../lib/container.ts'
import { ProviderError } from '../errors.ts'
import { type Attributes, attributesOf } from './attributes.ts'
import { type MasterPlaylist, MasterPlaylistBuilder } from './master-playlist.ts'
import { type MediaPlaylist, MediaPlaylistBuilder } from './media-playlist.ts'
import { Variables } from './variables.ts'

/** Unpacked. A playlist of 100,000 segments with long addresses has about so much. */
export const maxPlaylistBytes = 16 * 1024 ** 2
/** Signed addresses have one or two thousand. */
const maxUriChars = 16 * 1024

export type Playlist = MasterPlaylist | MediaPlaylist

export interface PlaylistOptions {
  /** Where the playlist came from, after redirects: what its relative addresses begin with. */
  readonly url: URL
  /** Begins the messages: `Cannot use the playlist of movie/12.m3u8`. */
  readonly what: string
  /** Variables of the master playlist, which this one may import. */
  readonly variables?: ReadonlyMap<string, string>
  /** Whether a media playlist may still be growing: that of a channel. */
  readonly mayGrow?: boolean
}

/**
 * Reads an HLS playlist (RFC 8216) line by line. Lenient where that cannot make a wrong byte: byte order marks, line
 * ends, a missing EXTM3U and tags that mean nothing are passed over. Strict where it could: what says how a segment is
 * cut out or encrypted must be understood.
 */
export class PlaylistReader {
  readonly #what: string
  readonly #variables: Variables
  readonly #master: MasterPlaylistBuilder
  readonly #media: MediaPlaylistBuilder

  constructor({ url, what, variables = new Map(), mayGrow = false }: PlaylistOptions) {
    this.#what = what
    this.#variables = new Variables(url, variables)
    const base = url.href
    const resolve = (uri: string | undefined) => this.#resolved(uri, base)
    this.#master = new MasterPlaylistBuilder(what, resolve)
    this.#media = new MediaPlaylistBuilder(what, resolve, mayGrow)
  }

  /** @throws ProviderError `malformed`, or `unsupported` for media that cannot be read as files. */
  line(text: string): void {
    const line = text.trim()
    if (line === '') return
    if (!line.startsWith('#')) {
      if (!this.#master.uri(line)) this.#media.uri(line)
      return
    }
    const match = /^#(EXT[A-Z0-9-]*)(?::|$)/.exec(line)
    if (match === null) return
    const name = match[1]!
    const value = line.slice(name.length + 2)
    const attributes = () => this.#attributes(value)
    if (name === 'EXT-X-DEFINE') this.#variables.define(attributes())
    this.#master.tag(name, attributes)
    if (!this.#master.isMaster) this.#media.tag(name, value, attributes)
  }

  /** What was read. @throws ProviderError `malformed`, or `unsupported` for a playlist that is still growing. */
  end(): Playlist {
    if (this.#master.isMaster) return this.#master.end(this.#variables.values)
    if (this.#media.isEmpty) throw new ProviderError('malformed', `${this.#what}: it has neither segments nor variants`)
    return this.#media.end()
  }

  /** Values with a variable that nobody defined are left out, as if they were not there. */
  #attributes(value: string): Attributes {
    const attributes = attributesOf(value)
    if (!value.includes('{$')) return attributes
    const filled = [...attributes].map(([name, text]) => [name, this.#variables.filled(text)] as const)
    return new Map(filled.filter((pair): pair is [string, string] => pair[1] !== undefined))
  }

  #resolved(uri: string | undefined, base: string): string | undefined {
    const text = uri === undefined ? undefined : this.#variables.filled(uri)
    if (text === undefined || text === '' || text.length > maxUriChars) return undefined
    const url = URL.parse(text, base)
    return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.hostname !== '' ? url.href : undefined
  }
}

/** The whole of a playlist's text. @throws ProviderError `not-media` for a page, `malformed`, `unsupported`. */
export function parsePlaylist(text: string, options: PlaylistOptions): Playlist {
  const reader = new PlaylistReader(options)
  for (const line of linesOf(text, options.what)) reader.line(line)
  return reader.end()
}

/** The lines of a text that may be a playlist, whatever ends them. @throws ProviderError `not-media` for a page. */
export function* linesOf(text: string, what: string): Generator<string> {
  const kind = sniffText(Buffer.from(text.slice(0, 512)))
  const names: Partial<Record<string, string>> = { html: 'a web page', xml: 'XML', json: 'JSON' }
  const name = names[kind ?? '']
  if (name !== undefined) throw new ProviderError('not-media', `${what}: it is ${name}, not a playlist`)
  const ending = /\r\n|\n|\r/g
  let from = text.startsWith('\uFEFF') ? 1 : 0
  for (let match = ending.exec(text); match !== null; match = ending.exec(text)) {
    yield text.slice(from, match.index)
    from = ending.lastIndex
  }
  yield text.slice(from)
}
