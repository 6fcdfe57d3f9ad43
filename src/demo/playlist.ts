import type { Catalogue } from './catalogue.ts'
import type { LiveFormat } from './live.ts'

export interface PlaylistOptions {
  /** `http://host:port` */
  readonly base: string
  readonly username: string
  readonly password: string
  /** `m3u_plus` has attributes; anything else is the plain kind. */
  readonly plus: boolean
  /** The form of channels' addresses; a channel that does not have it is listed in the one it has. */
  readonly output: LiveFormat
}

/** get.php: channels, films, then every episode, with the same stream addresses the API leads to. */
export function* playlist(catalogue: Catalogue, options: PlaylistOptions): Generator<string> {
  const { base, username, password, plus, output } = options
  const credentials = `${encodeURIComponent(username)}/${encodeURIComponent(password)}`
  const entry = (name: string, attributes: string, path: string) =>
    `#EXTINF:-1${plus ? ` ${attributes}` : ''},${name}\n${base}/${path}\n`
  const groups = new Map<number, string>()
  for (const kind of ['movie', 'show', 'channel'] as const) {
    for (const { id, name } of catalogue.categories[kind]) groups.set(id, name)
  }
  const group = (id: number) => `group-title="${quoted(groups.get(id) ?? '')}"`

  yield '#EXTM3U\n'
  for (const { id, name, guideId = '', categoryId, live } of catalogue.channels()) {
    const form = live.formats.includes(output) ? output : live.formats[0]!
    const attributes = `tvg-id="${guideId}" tvg-name="${quoted(name)}" tvg-logo="" ${group(categoryId)}`
    yield entry(name, attributes, `live/${credentials}/${id}.${form}`)
  }
  for (const { id, name, categoryId, extension } of catalogue.movies()) {
    const attributes = `tvg-id="" tvg-name="${quoted(name)}" tvg-logo="" ${group(categoryId)}`
    yield entry(name, attributes, `movie/${credentials}/${id}.${extension}`)
  }
  for (const show of catalogue.shows()) {
    for (const { id, season, number, extension } of catalogue.episodes(show)) {
      const name = `${show.name} S${pad(season)} E${pad(number)}`
      const attributes = `tvg-id="" tvg-name="${quoted(name)}" tvg-logo="" ${group(show.categoryId)}`
      yield entry(name, attributes, `series/${credentials}/${id}.${extension}`)
    }
  }
}

const pad = (value: number) => String(value).padStart(2, '0')
/** The format has no way to write a quote inside quotes. */
const quoted = (text: string) => text.replaceAll('"', "'")
