import { ProviderError } from '../errors.ts'
import { type Attributes, type ByteRange, byteRange, decimal } from './attributes.ts'

const maxSegments = 100_000
/** No segment is longer than a day. */
const maxSeconds = 86_400
/** Room for all initialization sections that a title may have, one for each advertisement, say. */
const maxMaps = 10_000

/** Something that is fetched by itself. */
export interface Resource {
  /** Absolute, http or https. It may hold tokens: never to be shown. */
  readonly url: string
  readonly range?: ByteRange
  readonly key?: Key
}

/** AES-128: CBC with PKCS#7 padding over the whole resource (RFC 8216 section 4.3.2.4). */
export interface Key {
  readonly url: string
  /** As given, or else the segment's media sequence number. */
  readonly iv: bigint
}

export interface Segment extends Resource {
  readonly seconds: number
  readonly discontinuity: boolean
  readonly gap: boolean
  /** Index into the playlist's maps. */
  readonly map?: number
}

export interface MediaPlaylist {
  readonly kind: 'media'
  readonly segments: readonly Segment[]
  /** Initialization sections, in the order they are first used. */
  readonly maps: readonly Resource[]
  /** The first segment's media sequence number. */
  readonly sequence: number
  /** No segment is longer; undefined where the playlist does not say. */
  readonly targetSeconds: number | undefined
  /** False while there is more to come. */
  readonly isEnded: boolean
}

interface KeyTag {
  readonly method: string | undefined
  readonly url: string | undefined
  /** Undefined when it is no number of 128 bits; `sequence` when there is none. */
  readonly iv: bigint | 'sequence' | undefined
}

/** What a segment's tags have said before its address comes. */
interface Pending {
  seconds?: number | undefined
  discontinuity: boolean
  gap: boolean
  range?: string
}

const nothingPending: Pending = { discontinuity: false, gap: false }
const identity = 'identity'

/** Collects the segments of a media playlist, tag by tag, in the order they stand there. `what` begins the messages. */
export class MediaPlaylistBuilder {
  readonly #what: string
  readonly #resolve: (uri: string | undefined) => string | undefined
  readonly #segments: Segment[] = []
  /** Those that do not say how long they are. The target duration, which does, may come later. */
  readonly #untimed: { seconds: number }[] = []
  readonly #maps: Resource[] = []
  readonly #mapIndex = new Map<string, number>()
  /** By KEYFORMAT: each is another way to get the same key. */
  readonly #keys = new Map<string, KeyTag>()
  #sequence = 0n
  #targetSeconds: number | undefined
  #isEnded = false
  #pending = { ...nothingPending }
  /** An EXT-X-MAP waits for its first segment: its key's initialization vector may be that one's number. */
  #mapTag: { url: string; range: ByteRange | undefined; keys: ReadonlyMap<string, KeyTag> } | undefined
  #map: number | undefined
  #previous: { url: string; to: number } | undefined

  readonly #mayGrow: boolean

  /** `mayGrow`: the playlist of a channel, to which segments are added at its end and taken from its beginning. */
  constructor(what: string, resolve: (uri: string | undefined) => string | undefined, mayGrow = false) {
    this.#what = what
    this.#resolve = resolve
    this.#mayGrow = mayGrow
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0 && this.#targetSeconds === undefined && !this.#isEnded
  }

  /** A tag with what stands behind its colon. Tags that say nothing about a segment's bytes are not looked at. */
  tag(name: string, value: string, attributes: () => Attributes): void {
    switch (name) {
      case 'EXTINF':
        this.#pending.seconds = decimal(value.split(',')[0]!.trim(), maxSeconds)
        return
      case 'EXT-X-TARGETDURATION':
        this.#targetSeconds = decimal(value.trim(), maxSeconds) ?? this.#targetSeconds
        return
      case 'EXT-X-MEDIA-SEQUENCE':
        if (this.#segments.length === 0 && /^\d{1,20}$/.test(value.trim())) this.#sequence = BigInt(value.trim())
        return
      case 'EXT-X-PLAYLIST-TYPE':
        this.#isEnded ||= /^\s*VOD\s*$/i.test(value)
        return
      case 'EXT-X-ENDLIST':
        this.#isEnded = true
        return
      case 'EXT-X-DISCONTINUITY':
        this.#pending.discontinuity = true
        return
      case 'EXT-X-GAP':
        this.#pending.gap = true
        return
      case 'EXT-X-BYTERANGE':
        this.#pending.range = value
        return
      case 'EXT-X-KEY':
        this.#key(attributes())
        return
      case 'EXT-X-MAP':
        this.#mapOf(attributes())
        return
      case 'EXT-X-I-FRAMES-ONLY':
        throw this.#unsupported('it lists key frames only')
      case 'EXT-X-SKIP':
        throw this.#unsupported('it is only the difference to an earlier one')
    }
  }

  /** A segment's address, which completes it. */
  uri(text: string): void {
    const index = this.#segments.length
    if (index === maxSegments) throw this.#malformed(`it has more than ${maxSegments} segments`)
    const { seconds, discontinuity, gap, range: rangeText } = this.#pending
    this.#pending = { ...nothingPending }
    const url = this.#resolve(text)
    if (url === undefined && !gap) throw this.#malformed(`segment ${index} has no http(s) address`)
    const range = rangeText === undefined ? undefined : this.#rangeOf(rangeText, url ?? '', index)
    this.#previous = url !== undefined && range !== undefined ? { url, to: range.to } : undefined
    this.#placeMap()
    const key = this.#keyFor(this.#keys)
    const segment = {
      url: url ?? '',
      seconds: seconds ?? 0,
      discontinuity,
      gap,
      ...(range && { range }),
      ...(key && { key }),
      ...(this.#map !== undefined && { map: this.#map }),
    }
    this.#segments.push(segment)
    if (seconds === undefined) this.#untimed.push(segment)
  }

  /** @throws ProviderError `unsupported` while it is growing, `malformed` when it does not tell how long its segments are. */
  end(): MediaPlaylist {
    if (!this.#isEnded && !this.#mayGrow) throw this.#unsupported('it is still growing: it has no EXT-X-ENDLIST')
    if (this.#segments.length === 0) throw this.#malformed('it has no segments')
    for (const segment of this.#untimed) {
      if (this.#targetSeconds === undefined)
        throw this.#malformed(
          `${this.#untimed.length} of ${this.#segments.length} segments do not say how long they are`,
        )
      segment.seconds = this.#targetSeconds
    }
    return {
      kind: 'media',
      segments: this.#segments,
      maps: this.#maps,
      sequence: Number(this.#sequence),
      targetSeconds: this.#targetSeconds,
      isEnded: this.#isEnded,
    }
  }

  #key(attributes: Attributes): void {
    const method = attributes.get('METHOD')
    if (method === 'NONE') this.#keys.clear()
    else
      this.#keys.set(attributes.get('KEYFORMAT')?.toLowerCase() ?? identity, {
        method,
        url: this.#resolve(attributes.get('URI')),
        iv: ivOf(attributes.get('IV')),
      })
  }

  /** Without the section that it names the segments cannot be understood: a bad one costs the playlist. */
  #mapOf(attributes: Attributes): void {
    const url = this.#resolve(attributes.get('URI'))
    const rangeText = attributes.get('BYTERANGE')
    const range = rangeText === undefined ? undefined : byteRange(rangeText, 0)
    if (url === undefined) throw this.#malformed('an EXT-X-MAP has no http(s) address')
    if (rangeText !== undefined && range === undefined) throw this.#malformed('an EXT-X-MAP has no readable BYTERANGE')
    this.#mapTag = { url, range, keys: new Map(this.#keys) }
  }

  #placeMap(): void {
    if (this.#mapTag === undefined) return
    const { url, range, keys } = this.#mapTag
    this.#mapTag = undefined
    const key = this.#keyFor(keys)
    const name = JSON.stringify([url, range?.from, range?.to, key?.url, key && String(key.iv)])
    this.#map = this.#mapIndex.get(name) ?? this.#maps.length
    if (this.#map < this.#maps.length) return
    if (this.#map === maxMaps) throw this.#malformed(`it has more than ${maxMaps} initialization sections`)
    this.#mapIndex.set(name, this.#map)
    this.#maps.push({ url, ...(range && { range }), ...(key && { key }) })
  }

  /** A range without an offset begins where the segment before ended, if that was of the same resource. */
  #rangeOf(text: string, url: string, index: number): ByteRange {
    const implicit = this.#previous?.url === url ? this.#previous.to : 0
    const range = byteRange(text, implicit)
    if (range === undefined) throw this.#malformed(`segment ${index} has no readable EXT-X-BYTERANGE`)
    return range
  }

  /** The key of the segment that comes next. Whatever is encrypted in a way not known here must not pass for plain. */
  #keyFor(keys: ReadonlyMap<string, KeyTag>): Key | undefined {
    if (keys.size === 0) return undefined
    const key = keys.get(identity)
    if (key?.method !== 'AES-128') {
      const ways = [...keys].map(([format, { method = 'an unnamed method' }]) =>
        format === identity ? method : `${method} (${format})`,
      )
      throw this.#unsupported(`it is encrypted with ${ways.join(', ').slice(0, 200)}`)
    }
    if (key.url === undefined) throw this.#malformed('an EXT-X-KEY has no http(s) address')
    if (key.iv === undefined) throw this.#malformed('the IV of an EXT-X-KEY is not a number of 128 bits')
    return { url: key.url, iv: key.iv === 'sequence' ? this.#sequence + BigInt(this.#segments.length) : key.iv }
  }

  #malformed(why: string): ProviderError {
    return new ProviderError('malformed', `${this.#what}: ${why}`)
  }

  #unsupported(why: string): ProviderError {
    return new ProviderError('unsupported', `${this.#what}: ${why}`)
  }
}

function ivOf(text: string | undefined): KeyTag['iv'] {
  if (text === undefined) return 'sequence'
  return /^0x[\da-f]{1,32}$/i.test(text) ? BigInt(text) : undefined
}
