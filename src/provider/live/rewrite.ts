import { attributesOf } from '../hls/attributes.ts'
import { linesOf } from '../hls/playlist.ts'
import { Variables } from '../hls/variables.ts'

/** What an address in a playlist leads to. */
export type AddressKind = 'playlist' | 'segment' | 'map' | 'key'

export interface RewriteOptions {
  /** Where the playlist came from, after redirects. */
  readonly url: URL
  /** Begins messages. */
  readonly what: string
  readonly variables?: ReadonlyMap<string, string>
  /** What stands in the place of an absolute address; undefined for one that clients must not be led to. */
  replace(url: URL, kind: AddressKind): string | undefined
}

export interface Rewritten {
  readonly text: string
  readonly isMaster: boolean
  readonly targetSeconds: number | undefined
  /** Variables of a master playlist, which those below it may import. */
  readonly variables: ReadonlyMap<string, string>
}

/** Tags that are passed on as they are: none of them can hold an address. */
const plain = new Set(
  (
    'EXTM3U EXT-X-VERSION EXT-X-BYTERANGE EXT-X-DISCONTINUITY EXT-X-PROGRAM-DATE-TIME EXT-X-GAP EXT-X-BITRATE ' +
    'EXT-X-TARGETDURATION EXT-X-MEDIA-SEQUENCE EXT-X-DISCONTINUITY-SEQUENCE EXT-X-ENDLIST EXT-X-PLAYLIST-TYPE ' +
    'EXT-X-I-FRAMES-ONLY EXT-X-INDEPENDENT-SEGMENTS EXT-X-START EXT-X-STREAM-INF'
  ).split(' '),
)

/** Tags with an address, and what it leads to. */
const addressed: Readonly<Record<string, AddressKind>> = {
  'EXT-X-KEY': 'key',
  'EXT-X-SESSION-KEY': 'key',
  'EXT-X-MAP': 'map',
  'EXT-X-MEDIA': 'playlist',
  'EXT-X-I-FRAME-STREAM-INF': 'playlist',
}

/**
 * A playlist (RFC 8216) in which every address is replaced. What could hold one and is not known is left out, and so is what
 * low-latency clients use to ask for parts of segments: they take whole ones then.
 *
 * @throws ProviderError `not-media` for a page.
 */
export function rewritten(text: string, { url, what, variables = new Map(), replace }: RewriteOptions): Rewritten {
  const own = new Variables(url, variables)
  const lines: string[] = ['#EXTM3U']
  let isMaster = false
  let isVariant = false
  let targetSeconds: number | undefined
  /** Tags of a segment or variant, which go with its address. */
  let pending: string[] = []

  const place = (address: string, kind: AddressKind) => {
    const filled = own.filled(address)
    const resolved = filled === undefined ? null : URL.parse(filled, url.href)
    return resolved !== null && /^https?:$/.test(resolved.protocol) ? replace(resolved, kind) : undefined
  }

  for (const raw of linesOf(text, what)) {
    const line = raw.trim()
    if (line === '') continue
    if (!line.startsWith('#')) {
      const address = place(line, isVariant ? 'playlist' : 'segment')
      if (address !== undefined) lines.push(...pending, address)
      else if (pending.includes('#EXT-X-GAP')) lines.push(...pending, 'gap')
      pending = []
      isVariant = false
      continue
    }
    const [, name = '', rest = ''] = /^#(EXT[A-Z0-9-]*)(?::(.*))?$/.exec(line) ?? []
    if (name === 'EXT-X-DEFINE') own.define(attributesOf(rest))
    if (name === 'EXT-X-TARGETDURATION') targetSeconds = Number.parseFloat(rest) || undefined
    if (name === 'EXT-X-STREAM-INF' || name === 'EXT-X-MEDIA') isMaster = true
    if (name === 'EXTM3U') continue
    const kind = addressed[name]
    if (name === 'EXTINF') pending.push(`#EXTINF:${rest.split(',')[0]!.replace(/[^\d.]/g, '')},`)
    else if (kind !== undefined) lines.push(...withAddress(name, rest, address => place(address, kind)))
    else if (plain.has(name)) {
      isVariant ||= name === 'EXT-X-STREAM-INF'
      const filled = withoutAddresses(own.filled(line) ?? '')
      if (ofSegment.has(name)) pending.push(filled)
      else lines.push(filled)
    }
  }
  return { text: `${lines.join('\n')}\n`, isMaster, targetSeconds, variables: own.values }
}

/** Tags that belong to the address behind them. */
const ofSegment = new Set([
  'EXT-X-BYTERANGE',
  'EXT-X-DISCONTINUITY',
  'EXT-X-PROGRAM-DATE-TIME',
  'EXT-X-GAP',
  'EXT-X-STREAM-INF',
])

/** A tag with its address replaced. One that needs an address it cannot have is left out. */
function withAddress(name: string, rest: string, place: (address: string) => string | undefined): readonly string[] {
  const attribute = /(^|,)\s*URI\s*=\s*(?:"([^"]*)"|'([^']*)'|([^,]*))/i
  const match = attribute.exec(rest)
  if (match === null) return name === 'EXT-X-MAP' ? [] : [`#${name}:${withoutAddresses(rest)}`]
  const address = place(match[2] ?? match[3] ?? match[4] ?? '')
  if (address === undefined) return []
  const [before, after] = [rest.slice(0, match.index), rest.slice(match.index + match[0].length)]
  return [`#${name}:${withoutAddresses(before)}${match[1]}URI="${address}"${withoutAddresses(after)}`]
}

/** No other attribute has an address in it, or is meant to be asked for. */
function withoutAddresses(text: string): string {
  return text.replace(/(?:[a-z][a-z0-9+.-]*:)?\/\/[^\s",']*/gi, '')
}
