import { ProviderError } from './errors.ts'

/** One address of a playlist with everything that was said about it. */
export interface M3uEntry {
  readonly name: string
  /** Seconds; -1 and 0 mean live or unknown. */
  readonly duration: number
  /** Attributes of #EXTINF, names in lower case. */
  readonly attributes: Readonly<Record<string, string>>
  readonly groups: readonly string[]
  /** As written, without what stands behind a pipe. */
  readonly url: string
  /** Headers that the player is told to send, from the pipe, #EXTVLCOPT, #KODIPROP and attributes. */
  readonly headers: Readonly<Record<string, string>>
  /** Addresses of subtitles, from #EXTVLCOPT:sub-file and input-slave. */
  readonly subtitles?: readonly string[]
  /** True after #EXT-X-PLAYLIST-TYPE:VOD. */
  readonly vod: boolean
}

export type M3uItem = M3uEntry | { readonly line: number; readonly problem: string }

interface Told {
  name: string
  duration: number
  attributes: Readonly<Record<string, string>>
  ownGroups: readonly string[] | undefined
  headers: Record<string, string>
  subtitles: readonly string[]
  vod: boolean
}

const maxGroups = 20
const maxNameLength = 1000
const maxAttributes = 100
const maxSubtitles = 20
const attributeHeaders = {
  'user-agent': 'user-agent',
  'http-user-agent': 'user-agent',
  'http-referrer': 'referer',
  referer: 'referer',
}

/**
 * Reads playlists line by line, in the dialects that are about. Groups come from #EXTGRP of the entry, else `group-title`,
 * else the last #EXTGRP before it. An address without #EXTINF repeats what was told of the address before it, or is named
 * after its file.
 */
export class M3uParser {
  #line = 0
  #started = false
  #hasHeader = false
  #entries = 0
  #told: Told = nothing()
  /** True when `#told` belongs to the address before, so that the next directive starts anew. */
  #used = true
  #stickyGroups: readonly string[] = []

  /** @throws ProviderError `malformed` when the text is no playlist of channels or films. */
  read(line: string | undefined): M3uItem | undefined {
    this.#line++
    if (line === undefined) return { line: this.#line, problem: 'the line is too long to be read' }
    const text = line.replace(/^\uFEFF/, '').trim()
    if (text === '') return undefined
    if (!this.#started) this.#start(text)
    if (text.startsWith('#')) {
      this.#directive(text)
      return undefined
    }
    return this.#address(text)
  }

  /** @throws ProviderError `malformed` for a text in which no line was that of a playlist. */
  end(): void {
    if (this.#hasHeader || this.#entries > 0) return
    const what = this.#started ? 'does not begin with #EXTM3U and names no address' : 'is empty'
    throw new ProviderError('malformed', `The playlist ${what}`)
  }

  #start(text: string): void {
    this.#started = true
    this.#hasHeader = /^#EXTM3U/i.test(text)
    if (text.startsWith('<')) throw new ProviderError('malformed', 'The playlist is a web page')
    if (/^[{[]/.test(text))
      throw new ProviderError('malformed', 'The playlist is JSON, which providers answer when they refuse')
  }

  #directive(text: string): void {
    const [, name = '', value = ''] = /^#([A-Z0-9-]+)\s*:?(.*)$/i.exec(text) ?? []
    switch (name.toUpperCase()) {
      case 'EXTINF':
        this.#told = { ...(this.#used ? nothing() : this.#told), ...extinf(value) }
        this.#used = false
        break
      case 'EXTGRP':
        this.#stickyGroups = groupsOf(value)
        this.#fresh().ownGroups = this.#stickyGroups.length > 0 ? this.#stickyGroups : undefined
        break
      case 'EXTVLCOPT':
        Object.assign(this.#fresh().headers, vlcHeaders(value))
        this.#told.subtitles = [...this.#told.subtitles, ...vlcSubtitles(value)].slice(0, maxSubtitles)
        break
      case 'KODIPROP':
        Object.assign(this.#fresh().headers, kodiHeaders(value))
        break
      case 'EXT-X-PLAYLIST-TYPE':
        this.#fresh().vod = /^\s*VOD/i.test(value)
        break
      case 'EXT-X-TARGETDURATION':
      case 'EXT-X-STREAM-INF':
      case 'EXT-X-MEDIA-SEQUENCE':
        throw new ProviderError('malformed', 'The playlist is that of one HLS stream, not a list of channels or films')
    }
  }

  #fresh(): Told {
    if (this.#used) this.#told = nothing()
    this.#used = false
    return this.#told
  }

  #address(text: string): M3uItem | undefined {
    const [url = '', ...behindPipe] = text.split('|')
    const told = this.#told
    if (!isAddress(url.trim(), !this.#used)) return undefined // decoration between the entries
    this.#used = true
    this.#entries++
    const { attributes } = told
    const fromAttributes = Object.entries(attributeHeaders)
      .filter(([name]) => attributes[name])
      .map(([name, header]) => [header, attributes[name]!])
    return {
      name: told.name || attributes['tvg-name'] || fileName(url),
      duration: told.duration,
      attributes,
      groups: told.ownGroups ?? (attributes['group-title'] ? groupsOf(attributes['group-title']) : this.#stickyGroups),
      url: url.trim(),
      headers: { ...Object.fromEntries(fromAttributes), ...told.headers, ...pairs(behindPipe.join('|')) },
      ...(told.subtitles.length > 0 && { subtitles: told.subtitles }),
      vod: told.vod,
    }
  }
}

function nothing(): Told {
  return { name: '', duration: -1, attributes: {}, ownGroups: undefined, headers: {}, subtitles: [], vod: false }
}

/** `-1 tvg-id="x" group-title='A, B' radio=true,The name, commas and all` */
function extinf(value: string): { name: string; duration: number; attributes: Record<string, string> } {
  const duration = /^\s*(-?\d+(?:\.\d+)?)?\s*/.exec(value)!
  const attributes: Record<string, string> = {}
  let at = duration[0].length
  for (let found = 0; at < value.length && value[at] !== ','; ) {
    attribute.lastIndex = at
    const match = found < maxAttributes ? attribute.exec(value) : null
    if (match === null) {
      at = nextWord(value, at) // a stray one
      continue
    }
    found++
    const [whole, name, ...forms] = match
    attributes[name!.toLowerCase()] = (forms.find(form => form !== undefined) ?? '').replace(/^["']/, '').trim()
    at += whole.length
  }
  const name = value
    .slice(at + 1)
    .trim()
    .slice(0, maxNameLength)
  return { name, duration: Number(duration[1] ?? -1), attributes }
}

/**
 * One attribute and the blanks behind it. Values hold quotes themselves, so that one ends its value only before a comma,
 * the line's end or the next attribute; failing that at the next one; and a value never closed ends as if it were bare.
 */
const attribute = new RegExp(String.raw`([A-Za-z][\w-]*)\s*=\s*(?:${quoted('"')}|${quoted("'")}|([^\s,]*))\s*`, 'y')

function quoted(quote: string): string {
  const ends = String.raw`(?=\s*(?:,|$)|\s+[A-Za-z][\w-]*\s*=)`
  return `${quote}((?:[^${quote}]|${quote}(?!${ends}))*)${quote}${ends}|${quote}([^${quote}]*)${quote}`
}

/** Where the word or comma after the one at `from` begins. */
function nextWord(text: string, from: number): number {
  wordBreak.lastIndex = from
  const found = wordBreak.exec(text)
  if (found === null) return text.length
  return found[0] === ',' ? found.index : wordBreak.lastIndex
}

const wordBreak = /\s+|,/g

function groupsOf(value: string): readonly string[] {
  const names = value.split(';').map(name => name.trim().slice(0, maxNameLength))
  return [...new Set(names.filter(name => name !== ''))].slice(0, maxGroups)
}

function vlcHeaders(value: string): Record<string, string> {
  const [, option, text = ''] = /^\s*http-(user-agent|referrer|referer)\s*=\s*(.*)$/i.exec(value) ?? []
  if (option === undefined) return {}
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  return headers([[/^u/i.test(option) ? 'user-agent' : 'referer', bare]])
}

/** `sub-file=http://…`, `input-slave=http://…#http://…`: of slaves only those that are named like subtitles. */
function vlcSubtitles(value: string): readonly string[] {
  const [, option, text = ''] = /^\s*(sub-file|input-slave)\s*=\s*(.*)$/i.exec(value) ?? []
  if (option === undefined) return []
  const addresses = text
    .replaceAll('"', '')
    .split('#')
    .filter(address => /^https?:\/\/\S+$/i.test(address))
  return /^s/i.test(option) ? addresses : addresses.filter(address => /\.(?:srt|vtt|ass|ssa)(?:\?|$)/i.test(address))
}

function kodiHeaders(value: string): Record<string, string> {
  const [, text] = /^\s*inputstream\.adaptive\.(?:stream|manifest|common)_headers\s*=\s*(.*)$/i.exec(value) ?? []
  return pairs(text ?? '')
}

/** Kodi's `User-Agent=x&Referer=y`, values percent-encoded or not; a `!` before a name only marks it as the user's own. */
function pairs(text: string): Record<string, string> {
  if (text.trim() === '') return {}
  return headers(
    text.split('&').map(pair => {
      const [, name = '', value = ''] = /^\s*!?([^=]*)=(.*)$/.exec(pair) ?? []
      return [name, decoded(value.trim())]
    }),
  )
}

/** Only what may stand in a request, and nothing that would change what it asks for. */
function headers(entries: readonly (readonly [string, string])[]): Record<string, string> {
  const usable = entries
    .map(([name, value]) => [name.trim().toLowerCase(), value] as const)
    .filter(([name, value]) => /^[a-z0-9-]{1,64}$/.test(name) && /^[\x20-\x7e]{1,2000}$/.test(value))
  return Object.fromEntries(usable.filter(([name]) => !forbidden.has(name)).slice(0, 20))
}

const forbidden = new Set([
  'host',
  'range',
  'if-range',
  'accept-encoding',
  'connection',
  'content-length',
  'transfer-encoding',
])

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Anything with a scheme; after #EXTINF also a relative path, which names a file. */
function isAddress(text: string, announced: boolean): boolean {
  if (/^[a-z][a-z0-9+.-]*:\/\/./i.test(text)) return true
  return announced && /^[^\s=<>{}][^\s<>{}]*\.[a-z0-9]{2,5}(\?\S*)?$/i.test(text)
}

function fileName(url: string): string {
  const last = url.split(/[?#]/)[0]!.split('/').at(-1) ?? ''
  return decoded(last).replace(/\.[a-z0-9]{1,5}$/i, '') || 'unnamed'
}
