import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Secret } from '../lib/secret.ts'
import { limited, peek, textOf, unzipped } from './bodies.ts'
import type { Locators } from './byte-requests.ts'
import { fields, present } from './decode.ts'
import { withoutLogin } from './description.ts'
import { ProviderError } from './errors.ts'
import type { HttpClient, HttpTarget } from './http.ts'
import { jsonRows } from './json-rows.ts'
import type { ProviderRecord } from './records.ts'
import { retrying } from './retry.ts'
import { type ShortProgramme, shortProgrammes } from './short-guide.ts'
import { Slots } from './slots.ts'
import { apiUrl, type Login, panelBase, redacted, sameBase, streamUrl } from './urls.ts'
import { accountInfo, episodesOf, rejected, xtreamSections } from './xtream-rows.ts'
import { type AccountStatus, requireUsable } from './xtream-status.ts'

/** 150,000 films are about 80 to 100 MB: 1.3 to 2.3 s to read on two busy cores, with the server that sent them in the same process. */
const maxListBytes = 2 * 1024 ** 3
/** One show with a thousand episodes is about 2 MB. */
const maxAnswerBytes = 32 * 1024 ** 2
/** Questions to the API at once: panels do not count them as connections, but ban who asks too much. */
const maxQuestions = 2
/** How long the address that the panel gives for itself may take to answer. */
const streamBaseMs = 5_000
/** An account's status is asked again when a section is read later than this after the last answer. */
const statusAgeMs = 60_000
const retries = { attempts: 3, firstMs: 500, maxMs: 8_000, maxRetryAfterMs: 30_000 }

export interface XtreamOptions {
  readonly hosts: readonly string[]
  readonly username: Secret
  readonly password: Secret
  /** The whole time of a question with a small answer; the time for a list to begin, and between two pieces of it. */
  readonly answerMs: number
}

export interface XtreamPorts {
  readonly http: HttpClient
  readonly clock: Clock
  readonly log: Logger
  /** Told the number of connections that the provider allows (0 is unlimited) whenever it says. */
  readonly learnLimit: (connections: number) => void
}

/**
 * The player_api of a panel that may have several addresses: each question goes to the one that answered last, then to
 * the others in their order. Locators are `movie/<id>.<ext>`, `series/<id>.<ext>` and `live/<id>`.
 */
export class Xtream implements Locators, Disposable {
  readonly #options: XtreamOptions
  readonly #ports: XtreamPorts
  readonly #questions: Slots
  /** The addresses, the one that answered last first. */
  #bases: URL[]
  /** Where the panel says that it is, once it has answered there. */
  #streamBase: URL | undefined
  /** In which form a channel was had last. */
  #liveForm: 'ts' | 'm3u8' | undefined
  #status: { readonly value: AccountStatus; readonly at: number } | undefined

  constructor(options: XtreamOptions, ports: XtreamPorts) {
    this.#options = options
    this.#ports = ports
    this.#questions = new Slots({ limit: maxQuestions, clock: ports.clock })
    this.#bases = options.hosts.map(panelBase)
    if (this.#bases.length === 0) throw new ProviderError('malformed', 'The account has no host', { permanent: true })
  }

  /** Asks the panel now. @throws ProviderError `credentials` for an account that cannot be used. */
  async status(signal: AbortSignal): Promise<AccountStatus> {
    const { value: info, base } = await this.#ask({}, signal, answer => {
      const info = accountInfo(answer)
      if (info === undefined)
        throw new ProviderError('malformed', 'The answer to the log-in is not that of an Xtream panel')
      return info
    })
    requireUsable(info, base.host, text => this.#redact(text))
    if (info.maxConnections !== undefined) this.#ports.learnLimit(info.maxConnections)
    await this.#tryStreamBase(info.server, signal)
    const { state, expiresAt, maxConnections, connectionsInUse, formats, timezone } = info
    const optional = present({ state, expiresAt, maxConnections, connectionsInUse, timezone })
    const value: AccountStatus = { host: base.host, active: true, formats, ...optional }
    this.#status = { value, at: this.#ports.clock.now() }
    return value
  }

  /** A section's records as they come: its categories, then its rows. @throws ProviderError. */
  async *section(name: keyof typeof xtreamSections, signal: AbortSignal): AsyncGenerator<ProviderRecord> {
    // A panel answers an expired account with empty lists: only its status tells them from real ones.
    if ((this.#status?.at ?? Number.NEGATIVE_INFINITY) + statusAgeMs < this.#ports.clock.now())
      await this.status(signal)
    const { categories, items, idField, category, item } = xtreamSections[name]
    const login = this.#login()
    for (const [action, decode] of [[categories, category] as const, [items, item] as const]) {
      for await (const row of this.#list(action, signal)) {
        if ('error' in row) {
          const found = new RegExp(`"(?:${idField}|category_id)"\\s*:\\s*"?([\\w-]{1,64})`).exec(row.text)?.[1]
          yield rejected(name, found ?? `row ${row.index + 1} of ${action}`, row.error)
        } else {
          yield withoutLogin(decode(row.value), login)
        }
      }
    }
  }

  /** One show's seasons and episodes. @throws ProviderError. */
  async episodes(showKey: string, signal: AbortSignal): Promise<readonly ProviderRecord[]> {
    const { value } = await this.#ask({ action: 'get_series_info', series_id: showKey }, signal, answer => {
      if (typeof answer !== 'object' || answer === null) throw this.#unexpected(String(answer))
      if (!('episodes' in answer || 'info' in answer)) this.#refuseErrors(fields(answer))
      return episodesOf(answer, showKey).map(record => withoutLogin(record, this.#login()))
    })
    return value
  }

  /** The panel's guide of everything it has. */
  guideTarget(): HttpTarget {
    const { username, password } = this.#login()
    const url = new URL(`${this.#bases[0]!.href.replace(/\/$/, '')}/xmltv.php`)
    url.search = new URLSearchParams({ username, password }).toString()
    return { url, label: 'xmltv.php' }
  }

  /** What is on a channel now and next (get_short_epg); undefined for what is no channel of the panel's. @throws ProviderError. */
  async shortGuide(
    locator: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly ShortProgramme[] | undefined> {
    const [, id] = /\blive\/(?:[^/]+\/[^/]+\/)?(\d{1,20})\b/.exec(locator) ?? []
    if (id === undefined) return undefined
    const parameters = { action: 'get_short_epg', stream_id: id, limit: String(limit) }
    const offsetMs = offsetOf(this.#status?.value.timezone, this.#ports.clock.now())
    const { value } = await this.#ask(parameters, signal, answer => shortProgrammes(answer, offsetMs))
    return value
  }

  target(locator: string): HttpTarget {
    const [, kind, id, extension] = /^(movie|series|live)\/([\w-]{1,64})(?:\.([a-z0-9]{1,8}))?$/.exec(locator) ?? []
    if (kind === undefined || id === undefined)
      throw new ProviderError('malformed', 'Not the locator of an Xtream account')
    const formats = this.#status?.value.formats ?? []
    const live = formats.includes('ts') || !formats.includes('m3u8') ? 'ts' : 'm3u8'
    const file = `${id}.${extension ?? (kind === 'live' ? live : 'mp4')}`
    return { url: streamUrl(this.#streamBase ?? this.#bases[0]!, this.#login(), kind, file), label: locator }
  }

  /** At each of the account's hosts, as a transport stream and as HLS, what worked last first. */
  liveTargets(locator: string): readonly HttpTarget[] {
    const { url, label } = this.target(locator)
    const [, id] = /^live\/([\w-]{1,64})(?:\.[a-z0-9]{1,8})?$/.exec(locator) ?? []
    if (id === undefined) return [{ url, label }]
    const first = this.#liveForm ?? (url.pathname.endsWith('.m3u8') ? 'm3u8' : 'ts')
    const forms = [first, first === 'ts' ? 'm3u8' : 'ts']
    const bases = [
      ...new Map([this.#streamBase, ...this.#bases].flatMap(base => (base ? [[base.href, base]] : []))).values(),
    ]
    return bases.flatMap(base =>
      forms.map(form => ({
        url: streamUrl(base, this.#login(), 'live', `${id}.${form}`),
        label: `live/${id}.${form}`,
      })),
    )
  }

  liveWorked({ url }: HttpTarget): void {
    this.#liveForm = url.pathname.endsWith('.m3u8') ? 'm3u8' : 'ts'
  }

  /** The next request goes elsewhere: back from the server's own address, or to the next of the account's. */
  unreachable({ url }: HttpTarget): void {
    if (this.#streamBase !== undefined && this.#streamBase.origin === url.origin) this.#streamBase = undefined
    else if (this.#bases[0]!.origin === url.origin) this.#bases = [...this.#bases.slice(1), this.#bases[0]!]
  }

  [Symbol.dispose](): void {
    this.#questions[Symbol.dispose]()
  }

  /** A question with a small answer, which `decode` may refuse so that the next host is asked. */
  async #ask<T>(parameters: Record<string, string>, signal: AbortSignal, decode: (answer: unknown) => T) {
    using _lease = await this.#question(signal)
    return this.#eachBase(signal, base => this.#askAt(base, parameters, this.#options.answerMs, signal, decode))
  }

  async #askAt<T>(
    base: URL,
    parameters: Record<string, string>,
    ms: number,
    signal: AbortSignal,
    decode: (answer: unknown) => T,
  ) {
    const target = this.#apiTarget(base, parameters)
    const deadline = AbortSignal.timeout(ms)
    try {
      const answer = await this.#ports.http.get(target, AbortSignal.any([signal, deadline]))
      const what = `Cannot read ${target.label} from ${answer.url.host}`
      const text = await textOf(limited(unzipped(answer.body, what), maxAnswerBytes, what))
      return decode(this.#json(text, what))
    } catch (error) {
      if (error !== deadline.reason || signal.aborted) throw error
      throw new ProviderError('timed-out', `Cannot read ${target.label} from ${base.host}: no whole answer in ${ms} ms`)
    }
  }

  async *#list(action: string, signal: AbortSignal) {
    using _lease = await this.#question(signal)
    const ending = new AbortController()
    const all = AbortSignal.any([signal, ending.signal])
    try {
      const { value: body } = await this.#eachBase(signal, async base => {
        const answer = await this.#ports.http.get(this.#apiTarget(base, { action }), all)
        const what = `Cannot read ${action} from ${answer.url.host}`
        const { head, rest } = await peek(limited(unzipped(answer.body, what), maxListBytes, what), 64)
        const start = Buffer.from(head.subarray(0, 200))
          .toString('utf8')
          .replace(/^\uFEFF/, '')
          .trimStart()
        if (start === '' || /^[[{]/.test(start)) return rest
        answer.end()
        throw new ProviderError('malformed', `${what}: the answer is ${this.#shown(start)}, not a list`)
      })
      let rows = 0
      for await (const row of jsonRows(body)) {
        if ('key' in row && row.key !== undefined && typeof row.value !== 'object')
          this.#refuseErrors({ [row.key]: row.value })
        if ('key' in row && row.key === 'user_info') this.#refuseErrors({ user_info: row.value })
        if ('key' in row && row.key === 'server_info') continue
        rows++
        yield row
      }
      this.#ports.log.debug({ action, rows }, 'read a list')
    } finally {
      ending.abort()
    }
  }

  /** The first address to answer, tried in turn, and all of them again while the errors may pass. */
  async #eachBase<T>(signal: AbortSignal, task: (base: URL) => Promise<T>): Promise<{ value: T; base: URL }> {
    const round = async () => {
      const errors: ProviderError[] = []
      for (const base of this.#bases) {
        try {
          const value = await task(base)
          this.#bases = [base, ...this.#bases.filter(other => other !== base)]
          return { value, base }
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error
          this.#ports.log.debug(
            { host: base.host, code: error.code, reason: error.message },
            'a host did not answer as it should',
          )
          errors.push(error)
        }
      }
      throw mostTelling(errors)
    }
    return retrying(round, { ...retries, clock: this.#ports.clock }, signal)
  }

  async #question(signal: AbortSignal): Promise<Disposable> {
    const lease = await this.#questions.acquire('measure', signal)
    return { [Symbol.dispose]: () => lease.release() }
  }

  /** Uses the address that the panel gives for itself if the account's log-in works there. */
  async #tryStreamBase(address: string | undefined, signal: AbortSignal): Promise<void> {
    if (address === undefined || !URL.canParse(address)) return
    const base = panelBase(address)
    if (this.#bases.some(other => sameBase(other, base)) || (this.#streamBase && sameBase(this.#streamBase, base)))
      return
    try {
      const works = await this.#askAt(base, {}, streamBaseMs, signal, answer => accountInfo(answer)?.known)
      if (works) this.#streamBase = base
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      this.#ports.log.debug({ host: base.host, reason: error.message }, "the panel's own address does not answer")
    }
  }

  /** An object where a list was asked for is often the log-in's refusal or an error's text. */
  #refuseErrors(object: Readonly<Record<string, unknown>>): void {
    if ('user_info' in object) {
      const info = accountInfo(object)
      if (info !== undefined) requireUsable(info, this.#bases[0]!.host, text => this.#redact(text))
      throw new ProviderError('malformed', "The panel answered with the account's status instead of what was asked for")
    }
    const [key, value] = Object.entries(object).find(([, value]) => typeof value !== 'object') ?? []
    if (key !== undefined) throw this.#unexpected(`${key}: ${value}`)
  }

  #unexpected(answer: string): ProviderError {
    return new ProviderError(
      'malformed',
      `The panel answered with ${this.#shown(answer)} instead of what was asked for`,
    )
  }

  #json(text: string, what: string): unknown {
    try {
      return JSON.parse(text)
    } catch {
      const is = text.trim() === '' ? 'empty' : this.#shown(text.trim())
      throw new ProviderError('malformed', `${what}: the answer is ${is}, not JSON`)
    }
  }

  /** The start of an answer as a message may show it. */
  #shown(text: string): string {
    if (text.startsWith('<')) return 'a web page'
    return JSON.stringify(this.#redact(text).slice(0, 80))
  }

  #redact(text: string): string {
    return redacted(text, this.#login())
  }

  #apiTarget(base: URL, parameters: Record<string, string>): HttpTarget {
    const label = parameters.action ?? 'the log-in'
    return {
      url: apiUrl(base, this.#login(), parameters),
      label,
      headers: { 'accept-encoding': 'gzip' },
      patienceMs: this.#options.answerMs,
    }
  }

  #login(): Login {
    return { username: this.#options.username.reveal(), password: this.#options.password.reveal() }
  }
}

function mostTelling(errors: readonly ProviderError[]): ProviderError {
  const error =
    errors.find(({ code }) => code === 'credentials') ?? errors.find(({ permanent }) => !permanent) ?? errors[0]!
  if (errors.length === 1) return error
  const { code, retryAfterMs, permanent } = error
  return new ProviderError(code, `${error.message} (none of ${errors.length} hosts did)`, {
    cause: error,
    retryAfterMs,
    permanent,
  })
}

/** What a time zone's clocks are ahead of UTC at a moment, in milliseconds; 0 for a zone that nobody knows. */
function offsetOf(timezone: string | undefined, now: number): number {
  if (timezone === undefined) return 0
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' })
    const name = format.formatToParts(now).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    const [, sign, hours, minutes] = /^GMT([+-])(\d\d):(\d\d)$/.exec(name) ?? []
    if (hours === undefined) return 0
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
  } catch {
    return 0
  }
}
