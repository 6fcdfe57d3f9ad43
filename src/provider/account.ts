import { type Clock, systemClock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { Secret } from '../lib/secret.ts'
import { type AttachmentOptions, AttachmentRequests, guardExcept } from './attachment-requests.ts'
import { type ByteOptions, ByteRequests, type FileBody, type Locators } from './byte-requests.ts'
import { type FetchedDocument, fetchFrom } from './documents.ts'
import { ProviderError } from './errors.ts'
import type { Found } from './found.ts'
import type { Validator } from './headers.ts'
import type { HlsTitle } from './hls/title.ts'
import { type HlsOptions, HlsTitles } from './hls/titles.ts'
import { HttpClient, type HttpTarget } from './http.ts'
import { Access, type AccessOptions } from './live/access.ts'
import type { HlsRelay, LiveOptions, LiveStream } from './live/model.ts'
import { LiveStreams } from './live/streams.ts'
import { M3u } from './m3u.ts'
import type { ProviderSnapshot } from './records.ts'
import type { ShortProgramme } from './short-guide.ts'
import { shareSlots } from './slot-sharing.ts'
import type { SlotStats } from './slots.ts'
import { playlistSnapshot, xtreamSnapshot } from './snapshot.ts'
import { type Login, panelBase } from './urls.ts'
import { Xtream, type XtreamPorts } from './xtream.ts'
import type { AccountStatus } from './xtream-status.ts'

export type AccountOptions = {
  readonly id: string
  readonly userAgent: string
  /** Connections that may be open at once. Without it what the provider says, and 1 until it has said. */
  readonly maxConnections?: number
  /** Milliseconds that a closed connection still counts as open. Default 0. */
  readonly settleMs?: number
  readonly timeouts?: Partial<Timeouts>
  /** Hosts of pictures and subtitles that may have private addresses, as the account's own may. */
  readonly trustedHosts?: readonly string[]
} & AccessOptions &
  (
    | {
        readonly type: 'xtream'
        readonly hosts: readonly string[]
        readonly username: Secret
        readonly password: Secret
      }
    | {
        readonly type: 'm3u'
        /** URL, perhaps with credentials in it, or absolute path of a file. */
        readonly playlist: Secret
        readonly username?: Secret
        readonly password?: Secret
      }
  )

export interface Timeouts {
  /** To connect, TLS included. Default 10 s. */
  readonly connectMs: number
  /** From a request for bytes to the headers of its answer. Default 20 s. */
  readonly headersMs: number
  /** Between two pieces of a file, while its reader waits. Default 15 s. */
  readonly stallMs: number
  /** For the provider's API and playlist, which think long. Default 120 s. */
  readonly answerMs: number
}

export interface AccountDeps {
  readonly log: Logger
  readonly clock?: Clock
}

/** A login at a provider: what it offers, and the bytes of that. Disposing of it ends its requests. */
export interface Account extends AsyncDisposable {
  readonly id: string
  /** Asks the provider. @throws ProviderError, with code `credentials` when the account cannot be used. */
  status(signal: AbortSignal): Promise<AccountStatus>
  readonly snapshot: ProviderSnapshot
  /** What is behind a locator, and of a file its exact size and validators, by one small request. @throws ProviderError. */
  measure(locator: string, options: ByteOptions): Promise<Found>
  /** Bytes `from` up to, not including, `to` (to the end when undefined), over a connection slot. @throws ProviderError. */
  open(
    locator: string,
    range: { readonly from: number; readonly to?: number },
    options: ByteOptions & { readonly expect?: Validator },
  ): Promise<FileBody>
  /**
   * An HLS title: its playlists are read now, over a connection slot, unless that was done in the last minutes and is not
   * wanted anew. `choice` is an earlier outline's; without it the best variant is chosen that has at most `maxHeight` lines, if there is one.
   *
   * @throws ProviderError: `changed` when the choice is no longer offered, `unsupported` for what no file can be made of.
   */
  hls(locator: string, options: HlsOptions): Promise<HlsTitle>
  /**
   * A picture or subtitles, whole, up to 10 MiB; over a connection slot where it is at one of the account's own hosts. Other
   * hosts are asked only where their addresses are public. @throws ProviderError.
   */
  attachment(locator: string, options: AttachmentOptions): Promise<Uint8Array>
  /** A live channel, whichever way it comes, over one connection slot for as long as it is read. @throws ProviderError. */
  live(locator: string, options: LiveOptions): Promise<LiveStream>
  /** A live channel that is HLS, for clients that speak it. @throws ProviderError, `unsupported` for what is no HLS. */
  hlsRelay(locator: string, options: LiveOptions): Promise<HlsRelay>
  /** The provider's guide; undefined when it is still the one with these validators. @throws ProviderError, `gone` for none. */
  guide(validators: Validator | undefined, signal: AbortSignal): Promise<FetchedDocument | undefined>
  /** What is on a channel now and next; undefined where the provider cannot be asked. @throws ProviderError. */
  shortGuide(locator: string, limit: number, signal: AbortSignal): Promise<readonly ShortProgramme[] | undefined>
  /** By host: the User-Agent that was found to be let pass. */
  learnedAgents(): Readonly<Record<string, string>>
  readonly slots: { stats(): SlotStats }
}

const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 20_000, stallMs: 15_000, answerMs: 120_000 }

/** What an account without a limit is used with: more would only be noticed. */
const unlimitedConnections = 8

/**
 * Opens an account; nothing is sent before the first question. Two accounts of one process with the same host and
 * username share their connection slots.
 *
 * @throws ProviderError `malformed` for a host or playlist that is no address.
 */
export function openAccount(options: AccountOptions, { log, clock = systemClock }: AccountDeps): Account {
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const part = log.child({ account: options.id })
  const http = new HttpClient({ userAgent: options.userAgent, ...timeouts, clock })
  const { answerMs } = timeouts
  const { maxConnections, settleMs } = options
  const learnLimit = (connections: number) => {
    if (maxConnections === undefined) sharing.setLimit(connections === 0 ? unlimitedConnections : connections)
  }
  const ports = { http, clock, log: part, learnLimit }
  const source =
    options.type === 'xtream'
      ? xtreamSource(options, new Xtream({ ...options, answerMs }, ports))
      : playlistSource(options, answerMs, ports)
  const { snapshot, locators, status, panel } = source
  const sharing = shareSlots(identitiesOf(options), {
    limit: maxConnections,
    clock,
    ...(settleMs !== undefined && { settleMs }),
  })
  const bytes = new ByteRequests(http, sharing.slots, locators, part)
  const ownHosts = new Set(hostsOf(options))
  const guard = guardExcept(new Set([...ownHosts, ...(options.trustedHosts ?? [])].map(host => host.toLowerCase())))
  const elsewhere = new HttpClient({ userAgent: options.userAgent, ...timeouts, clock, guard })
  const { login } = source
  const attachments = new AttachmentRequests({ http: elsewhere, slots: sharing.slots, login, ownHosts })
  const access = new Access(options, clock)
  const live = new LiveStreams({ http, slots: sharing.slots, locators, access, log: part, clock })
  const titles = new HlsTitles({ http, slots: sharing.slots, locators, log: part, clock })
  return {
    id: options.id,
    status,
    snapshot,
    measure: (locator, ask) => bytes.measure(locator, ask),
    open: (locator, range, ask) => bytes.open(locator, range, ask),
    attachment: (locator, ask) => attachments.fetch(locator, ask),
    hls: (locator, ask) => titles.open(locator, ask),
    live: (locator, ask) => live.open(locator, ask),
    hlsRelay: (locator, ask) => live.relay(locator, ask),
    guide: async (validators, signal) => await fetchFrom(http, await source.guide(signal), validators, signal),
    shortGuide: async (locator, limit, signal) => await panel?.shortGuide(locator, limit, signal),
    learnedAgents: () => access.learned(),
    slots: { stats: () => sharing.slots.stats() },
    async [Symbol.asyncDispose]() {
      sharing[Symbol.dispose]()
      panel?.[Symbol.dispose]()
      await elsewhere[Symbol.asyncDispose]()
      await http[Symbol.asyncDispose]()
    },
  }
}

/** The names of the hosts that the account's addresses name. */
function hostsOf(options: AccountOptions): readonly string[] {
  const addresses =
    options.type === 'xtream' ? options.hosts.map(host => panelBase(host).href) : [options.playlist.reveal().trim()]
  return addresses
    .filter(address => URL.canParse(address))
    .map(address => new URL(address).hostname.replace(/^\[|\]$/g, '').toLowerCase())
    .filter(host => host !== '')
}

/** The half of an account that depends on its type. */
interface Source {
  readonly snapshot: ProviderSnapshot
  readonly locators: Locators
  /** What the placeholders of locators stand for. */
  readonly login: Partial<Login>
  readonly status: Account['status']
  readonly panel: Xtream | undefined
  /** Where the guide is. @throws ProviderError `gone` when there is none. */
  guide(signal: AbortSignal): Promise<HttpTarget> | HttpTarget
}

function xtreamSource({ id, username, password }: AccountOptions & { type: 'xtream' }, xtream: Xtream): Source {
  return {
    login: { username: username.reveal(), password: password.reveal() },
    snapshot: xtreamSnapshot(id, xtream),
    locators: xtream,
    status: signal => xtream.status(signal),
    panel: xtream,
    guide: () => xtream.guideTarget(),
  }
}

/** A playlist that a panel makes (`get.php`) has the panel's API beside it, which knows more of the account than the list does. */
function playlistSource(options: AccountOptions & { type: 'm3u' }, answerMs: number, ports: XtreamPorts): Source {
  const { playlist } = options
  const login = loginOf(options)
  const m3u = new M3u({ playlist, login, answerMs }, ports)
  const { username, password } = login
  const isPanel = /^https?:[^?]*\/get\.php\?/i.test(playlist.reveal().trim())
  const panel =
    isPanel && username !== undefined && password !== undefined
      ? new Xtream(
          { hosts: [playlist.reveal()], username: new Secret(username), password: new Secret(password), answerMs },
          ports,
        )
      : undefined
  return {
    snapshot: playlistSnapshot(options.id, m3u),
    locators: m3u,
    login,
    panel,
    async guide(signal) {
      const own = await m3u.guideTarget(signal)
      if (own !== undefined) return own
      if (panel !== undefined) return panel.guideTarget()
      throw new ProviderError('gone', 'The playlist names no guide (url-tvg)')
    },
    async status(signal) {
      try {
        if (panel !== undefined) return await panel.status(signal)
      } catch (error) {
        if (!(error instanceof ProviderError) || error.code === 'credentials') throw error
        ports.log.debug({ reason: error.message }, "the playlist's panel has no API")
      }
      return m3u.status(signal)
    },
  }
}

/** The login that a playlist's addresses hold: the configured one, else that of the playlist's own address. */
function loginOf({ playlist, username, password }: AccountOptions & { type: 'm3u' }): Partial<Login> {
  const query = new URLSearchParams(playlist.reveal().split('?')[1] ?? '')
  const found = {
    username: username?.reveal() ?? query.get('username'),
    password: password?.reveal() ?? query.get('password'),
  }
  return { ...(found.username && { username: found.username }), ...(found.password && { password: found.password }) }
}

/** Equal in part for two accounts that the provider counts as one: each host with the username. */
function identitiesOf(options: AccountOptions): readonly string[] {
  if (options.type === 'xtream')
    return options.hosts.map(host => `${panelBase(host).host} ${options.username.reveal()}`)
  const playlist = options.playlist.reveal().trim()
  const { username } = loginOf(options)
  const isUrl = username !== undefined && URL.canParse(playlist) && new URL(playlist).host !== ''
  return [isUrl ? `${new URL(playlist).host} ${username}` : playlist]
}
