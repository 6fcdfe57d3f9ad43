import { allowList, privateRanges } from '../../lib/allow-list.ts'
import type { Clock } from '../../lib/clock.ts'
import { sniffText } from '../../lib/container.ts'
import { limited, textOf, unzipped } from '../bodies.ts'
import { ProviderError } from '../errors.ts'
import { contentRange } from '../headers.ts'
import { maxPlaylistBytes } from '../hls/playlist.ts'
import type { HttpAnswer } from '../http.ts'
import type { LiveConnection } from './connection.ts'
import type { HlsRelay, RelayedAnswer, RelayRequest } from './model.ts'
import { isWorn } from './playlists.ts'
import { type AddressKind, type Rewritten, rewritten } from './rewrite.ts'

/** Names that are known at a time; a window of segments has some ten. */
const maxNames = 20_000
/** Segments kept for clients that come a little later. */
const keptBytes = 64 * 1024 ** 2
const maxPieceBytes = 64 * 1024 ** 2
const usualSeconds = 6

interface Resource {
  readonly kind: AddressKind
  readonly extension: string
  readonly variables: ReadonlyMap<string, string>
  url: string
}

interface ReadText {
  readonly url: URL
  readonly text: string
  readonly until: number
}

const extensions: Readonly<Record<Exclude<AddressKind, 'segment'>, string>> = {
  playlist: 'm3u8',
  map: 'mp4',
  key: 'key',
}
const contentTypes: Readonly<Record<string, string>> = {
  ts: 'video/mp2t',
  mp4: 'video/mp4',
  m4s: 'video/iso.segment',
  aac: 'audio/aac',
  mp3: 'audio/mpeg',
  ac3: 'audio/ac3',
  vtt: 'text/vtt',
  key: 'application/octet-stream',
}
const segmentExtension = /\.(ts|m4s|mp4|aac|mp3|ac3|vtt|m4v|m4a|cmf[vat])$/i
const isPrivate = allowList(privateRanges)

/** A channel's HLS for clients that speak it: the playlist that `answer` began with, and what it leads to. */
export async function openRelay(connection: LiveConnection, answer: HttpAnswer, clock: Clock): Promise<HlsRelay> {
  const relay = new Relay(connection, answer.url, clock)
  await relay.begin(answer)
  return relay
}

class Relay implements HlsRelay {
  readonly #connection: LiveConnection
  readonly #clock: Clock
  readonly #resources = new Map<string, Resource>()
  readonly #names = new Map<string, string>()
  readonly #texts = new Map<string, ReadText>()
  readonly #flights = new Map<string, Promise<unknown>>()
  readonly #kept = new Map<string, Uint8Array>()
  #keptBytes = 0
  #count = 0
  #root: URL
  /** Names in a master playlist, in its order: new addresses are for them. */
  #order: readonly string[] = []

  constructor(connection: LiveConnection, root: URL, clock: Clock) {
    this.#connection = connection
    this.#root = root
    this.#clock = clock
  }

  get host(): string {
    return this.#root.host
  }

  /** Takes the first reading, and refuses what brings nothing. @throws ProviderError. */
  async begin(answer: HttpAnswer): Promise<void> {
    const read = await this.#textOf(answer)
    const { text } = this.#rewrite(read, new Map(), name => name)
    if (!/^[^#\s]/m.test(text))
      throw new ProviderError('not-media', `Cannot use the playlist of ${this.#label}: it leads to nothing`)
    this.#texts.set('', read)
  }

  async playlist(address: (name: string) => string, signal: AbortSignal): Promise<string> {
    const before = [...this.#order]
    const read = await this.#read('', () => this.#connection.home.url.href, signal)
    const { text, isMaster } = this.#rewrite(read, new Map(), address)
    if (isMaster) this.#order = namesIn(text, before)
    return text
  }

  async get(name: string, { address, range, signal }: RelayRequest): Promise<RelayedAnswer | undefined> {
    const resource = this.#resources.get(name)
    if (resource === undefined) return undefined
    if (resource.kind === 'playlist') {
      const read = await this.#read(name, () => resource.url, signal)
      return { kind: 'playlist', text: this.#rewrite(read, resource.variables, address).text }
    }
    const contentType = contentTypes[resource.extension] ?? 'application/octet-stream'
    if (range !== undefined) {
      if (!/^bytes=\d+-\d*$/.test(range)) throw new ProviderError('range', `Cannot use the range ${range.slice(0, 40)}`)
      return await this.#fetch(resource, contentType, range)
    }
    const kept = this.#kept.get(name)
    if (kept !== undefined) return { kind: 'bytes', status: 200, contentType, bytes: kept }
    return await this.#once(name, async () => {
      const answer = await this.#fetch(resource, contentType, undefined)
      this.#keep(name, answer.bytes)
      return answer
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection[Symbol.dispose]()
    this.#kept.clear()
  }

  get #label(): string {
    return this.#connection.home.label
  }

  /** A playlist's text, at most half a target duration old; asked for once, however many want it. */
  async #read(name: string, address: () => string, signal: AbortSignal): Promise<ReadText> {
    signal.throwIfAborted()
    const known = this.#texts.get(name)
    if (known !== undefined && known.until > this.#clock.now()) return known
    return await this.#once(`text ${name}`, async () => {
      const ask = async () => {
        const answer = await this.#connection.get(address(), `the playlist of ${this.#label}`, {
          'accept-encoding': 'gzip',
        })
        const read = await this.#textOf(answer)
        this.#texts.set(name, read)
        return read
      }
      return await this.#connection.exclusively(async () => {
        try {
          return await ask()
        } catch (error) {
          if (name === '' || !isWorn(error)) throw error
          await this.#renew()
          return await ask()
        }
      })
    })
  }

  /** Addresses of a master playlist have run out: the channel's own has new ones, in the same order. */
  async #renew(): Promise<void> {
    const answer = await this.#connection.get(this.#connection.home.url.href, `the playlist of ${this.#label}`, {
      'accept-encoding': 'gzip',
    })
    const read = await this.#textOf(answer)
    const urls: string[] = []
    const { isMaster } = rewritten(read.text, {
      url: read.url,
      what: `Cannot use the playlist of ${this.#label}`,
      replace(url, kind) {
        if (kind === 'playlist') urls.push(url.href)
        return ''
      },
    })
    if (!isMaster || urls.length !== this.#order.length) return
    for (const [at, name] of this.#order.entries()) {
      const resource = this.#resources.get(name)
      if (resource !== undefined) resource.url = urls[at]!
    }
  }

  async #textOf(answer: HttpAnswer): Promise<ReadText> {
    const what = `Cannot use the playlist of ${this.#label}`
    const text = await textOf(limited(unzipped(answer.body, what), maxPlaylistBytes, what))
    const [, seconds] = /^#EXT-X-TARGETDURATION:\s*(\d+)/m.exec(text) ?? []
    const until = this.#clock.now() + ((Number(seconds) || usualSeconds) * 1000) / 2
    return { url: answer.url, text, until }
  }

  #rewrite(
    { url, text }: ReadText,
    variables: ReadonlyMap<string, string>,
    address: (name: string) => string,
  ): Rewritten {
    const result: { variables: ReadonlyMap<string, string> } = { variables: new Map() }
    const made = rewritten(text, {
      url,
      variables,
      what: `Cannot use the playlist of ${this.#label}`,
      replace: (found, kind) => {
        if (!this.#mayLeadTo(found)) return undefined
        return address(this.#nameOf(found, kind, () => result.variables))
      },
    })
    result.variables = made.variables
    return made
  }

  /** Whose playlist it is may be in a private network; nobody else's addresses may lead into one. */
  #mayLeadTo({ hostname }: URL): boolean {
    if (hostname === this.#root.hostname || hostname === this.#connection.home.url.hostname) return true
    const plain = hostname.replace(/^\[|\]$/g, '')
    return !/(^|\.)(localhost|local|internal)$|^(0\.|::$)/i.test(plain) && !isPrivate.allows(plain)
  }

  #nameOf(url: URL, kind: AddressKind, variables: () => ReadonlyMap<string, string>): string {
    const known = this.#names.get(url.href)
    if (known !== undefined) return known
    const extension =
      kind === 'segment' ? (segmentExtension.exec(url.pathname)?.[1]?.toLowerCase() ?? 'ts') : extensions[kind]
    const name = `${++this.#count}.${extension}`
    this.#names.set(url.href, name)
    this.#resources.set(name, {
      kind,
      extension,
      url: url.href,
      get variables() {
        return variables()
      },
    })
    if (this.#resources.size > maxNames) {
      const [oldest, resource] = this.#resources.entries().next().value!
      this.#resources.delete(oldest)
      this.#names.delete(resource.url)
    }
    return name
  }

  #fetch(resource: Resource, contentType: string, range: string | undefined) {
    return this.#connection.exclusively(async () => {
      const label = `a ${resource.kind} of ${this.#label}`
      const headers = { 'accept-encoding': 'identity', ...(range !== undefined && { range }) }
      const answer = await this.#connection.get(resource.url, label, headers)
      const chunks: Uint8Array[] = []
      for await (const chunk of limited(answer.body, maxPieceBytes, `Cannot use ${label}`)) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      const kind = resource.kind === 'segment' && resource.extension !== 'vtt' ? sniffText(bytes) : undefined
      if (kind !== undefined || bytes.length === 0)
        throw new ProviderError('not-media', `Cannot use ${label}: it is ${bytes.length === 0 ? 'empty' : 'a text'}`)
      const part = answer.status === 206 ? contentRange(answer.headers) : undefined
      if (part === undefined) return { kind: 'bytes' as const, status: 200 as const, contentType, bytes }
      const contentRangeText = `bytes ${part.from}-${part.to - 1}/${part.total ?? '*'}`
      return { kind: 'bytes' as const, status: 206 as const, contentType, contentRange: contentRangeText, bytes }
    })
  }

  #keep(name: string, bytes: Uint8Array): void {
    this.#kept.set(name, bytes)
    this.#keptBytes += bytes.length
    for (const [oldest, { length }] of this.#kept) {
      if (this.#keptBytes <= keptBytes) return
      this.#kept.delete(oldest)
      this.#keptBytes -= length
    }
  }

  async #once<T>(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#flights.get(key) as Promise<T> | undefined
    if (running !== undefined) return await running
    const flight = work().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return await flight
  }
}

/** The names of playlists that a rewritten master playlist leads to, in its order. */
function namesIn(text: string, before: readonly string[]): readonly string[] {
  const found = [...text.matchAll(/(?:^|[/"])(\d+\.m3u8)(?="|$)/gm)].map(([, name]) => name!)
  return found.length > 0 ? found : before
}
