import { ProviderError } from '../errors.ts'
import { type Attributes, decimal, integer, resolution } from './attributes.ts'

const maxVariants = 1000
const maxRenditions = 1000
const maxFrameRate = 1000

/** One way to watch the title (EXT-X-STREAM-INF). What it does not say is left out. */
export interface Variant {
  readonly url: string
  /** Peak bits in a second. */
  readonly bandwidth?: number
  readonly width?: number
  readonly height?: number
  readonly frameRate?: number
  readonly codecs?: readonly string[]
  /** Groups of the renditions that belong to it. */
  readonly audio?: string
  readonly subtitles?: string
}

/** Sound or subtitles that stand beside a variant (EXT-X-MEDIA). */
export interface Rendition {
  readonly type: 'audio' | 'subtitles'
  readonly group: string
  readonly name?: string
  readonly language?: string
  readonly isDefault: boolean
  readonly isForced: boolean
  /** Undefined when it is inside of the variant's own segments. */
  readonly url?: string
}

export interface MasterPlaylist {
  readonly kind: 'master'
  readonly variants: readonly Variant[]
  readonly renditions: readonly Rendition[]
  /** What its media playlists may import. */
  readonly variables: ReadonlyMap<string, string>
}

const renditionTypes = new Map<string | undefined, Rendition['type']>([
  ['AUDIO', 'audio'],
  ['SUBTITLES', 'subtitles'],
])

/**
 * Collects variants and renditions, tag by tag. One with a bad address costs itself only. Lists of key frames, session
 * keys and data, and renditions of pictures and captions are not looked at. `what` begins the messages.
 */
export class MasterPlaylistBuilder {
  readonly #what: string
  readonly #resolve: (uri: string | undefined) => string | undefined
  readonly #variants: Variant[] = []
  readonly #renditions: Rendition[] = []
  #streamInf: Attributes | undefined
  #isMaster = false

  constructor(what: string, resolve: (uri: string | undefined) => string | undefined) {
    this.#what = what
    this.#resolve = resolve
  }

  /** True once something was read that stands in a master playlist only. */
  get isMaster(): boolean {
    return this.#isMaster
  }

  tag(name: string, attributes: () => Attributes): void {
    if (name !== 'EXT-X-STREAM-INF' && name !== 'EXT-X-MEDIA') return
    this.#isMaster = true
    if (name === 'EXT-X-STREAM-INF') this.#streamInf = attributes()
    else this.#rendition(attributes())
  }

  /** A line that is no tag. False when it does not belong to a variant. */
  uri(text: string): boolean {
    const attributes = this.#streamInf
    if (attributes === undefined) return this.#isMaster
    this.#streamInf = undefined
    const url = this.#resolve(text)
    if (url !== undefined) this.#variants.push(variantOf(url, attributes))
    if (this.#variants.length > maxVariants) throw this.#malformed(`it has more than ${maxVariants} variants`)
    return true
  }

  /** @throws ProviderError `malformed` when nothing in it could be played. */
  end(variables: ReadonlyMap<string, string>): MasterPlaylist {
    if (this.#variants.length === 0) throw this.#malformed('none of its variants has an http(s) address')
    return { kind: 'master', variants: this.#variants, renditions: this.#renditions, variables }
  }

  #rendition(attributes: Attributes): void {
    const type = renditionTypes.get(attributes.get('TYPE'))
    const group = attributes.get('GROUP-ID')
    const uri = attributes.get('URI')
    const url = this.#resolve(uri)
    if (type === undefined || group === undefined || (uri !== undefined && url === undefined)) return
    if (this.#renditions.length === maxRenditions) throw this.#malformed(`it has more than ${maxRenditions} renditions`)
    const name = attributes.get('NAME')
    const language = attributes.get('LANGUAGE')
    this.#renditions.push({
      type,
      group,
      ...(name && { name }),
      ...(language && { language }),
      isDefault: attributes.get('DEFAULT') === 'YES',
      isForced: attributes.get('FORCED') === 'YES',
      ...(url !== undefined && { url }),
    })
  }

  #malformed(why: string): ProviderError {
    return new ProviderError('malformed', `${this.#what}: ${why}`)
  }
}

function variantOf(url: string, attributes: Attributes): Variant {
  const bandwidth = integer(attributes.get('BANDWIDTH'))
  const frameRate = decimal(attributes.get('FRAME-RATE'), maxFrameRate)
  const codecs = (attributes.get('CODECS') ?? '')
    .split(',')
    .map(codec => codec.trim())
    .filter(codec => codec !== '')
  const audio = attributes.get('AUDIO')
  const subtitles = attributes.get('SUBTITLES')
  return {
    url,
    ...(bandwidth !== undefined && { bandwidth }),
    ...resolution(attributes.get('RESOLUTION')),
    ...(frameRate !== undefined && { frameRate }),
    ...(codecs.length > 0 && { codecs }),
    ...(audio !== undefined && { audio }),
    ...(subtitles !== undefined && { subtitles }),
  }
}
