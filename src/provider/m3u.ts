import { createReadStream } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { limited, peek, unzipped } from './bodies.ts'
import type { Locators } from './byte-requests.ts'
import { ProviderError } from './errors.ts'
import type { HttpClient, HttpTarget } from './http.ts'
import { M3uParser } from './m3u-entries.ts'
import { LineSplitter } from './m3u-lines.ts'
import { targetOf } from './m3u-locator.ts'
import { M3uRecords } from './m3u-records.ts'
import type { ProviderRecord } from './records.ts'
import { retrying } from './retry.ts'
import type { Login } from './urls.ts'
import type { AccountStatus } from './xtream-status.ts'

/** 460,000 entries are about 100 MB: 5 to 9 s to read on two busy cores, the process 80 to 88 MB larger meanwhile. */
const maxPlaylistBytes = 2 * 1024 ** 3
/** The first line of a playlist is no longer. */
const headerBytes = 8 * 1024
const retries = { attempts: 3, firstMs: 500, maxMs: 8_000, maxRetryAfterMs: 30_000 }

export interface M3uOptions {
  /** URL, perhaps with credentials in it, or absolute path of a file. */
  readonly playlist: Secret
  readonly login: Partial<Login>
  /** For the playlist to begin, and between two pieces of it. */
  readonly answerMs: number
}

export interface M3uPorts {
  readonly http: HttpClient
  readonly clock: Clock
}

/** The playlist as a snapshot's only section, streamed: what stays in memory is a few numbers for each entry. */
export class M3u implements Locators {
  readonly #playlist: URL | string
  readonly #login: Partial<Login>
  readonly #answerMs: number
  readonly #ports: M3uPorts

  constructor({ playlist, login, answerMs }: M3uOptions, ports: M3uPorts) {
    const text = playlist.reveal().trim()
    const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined && !isAbsolute(text)) {
      throw new ProviderError('malformed', 'The playlist is neither an http(s) address nor an absolute path', {
        permanent: true,
      })
    }
    this.#playlist = url ?? text
    this.#login = login
    this.#answerMs = answerMs
    this.#ports = ports
  }

  /** Reads only the playlist's beginning. @throws ProviderError. */
  async status(signal: AbortSignal): Promise<AccountStatus> {
    for await (const _ of this.records(signal)) break
    return { host: this.#playlist instanceof URL ? this.#playlist.host : this.#playlist, active: true, formats: [] }
  }

  /** The guide that the playlist's first line names (url-tvg and its other spellings), if it does. @throws ProviderError. */
  async guideTarget(signal: AbortSignal): Promise<HttpTarget | undefined> {
    const ending = new AbortController()
    try {
      const { chunks, base } = await this.#open(AbortSignal.any([signal, ending.signal]))
      const { head } = await peek(chunks, headerBytes)
      const [line = ''] = Buffer.from(head).toString('utf8').split(/\r|\n/)
      const [, quoted, bare] = /\b(?:x-tvg-url|url-tvg|tvg-url)\s*=\s*(?:["']([^"']*)["']|(\S+))/i.exec(line) ?? []
      const [first = ''] = (quoted ?? bare ?? '').split(/[,\s]+/).filter(text => text !== '')
      const url = URL.parse(first, base?.href)
      if (url === null || !/^https?:$/.test(url.protocol)) return undefined
      return { url, label: `the guide at ${url.host}` }
    } finally {
      ending.abort()
    }
  }

  target(locator: string): HttpTarget {
    return targetOf(locator, this.#login)
  }

  /** Each entry has one address. */
  unreachable(): void {}

  /** Every record of the playlist as it comes. @throws ProviderError. */
  async *records(signal: AbortSignal): AsyncGenerator<ProviderRecord> {
    const ending = new AbortController()
    try {
      const { chunks, base } = await this.#open(AbortSignal.any([signal, ending.signal]))
      const splitter = new LineSplitter()
      const parser = new M3uParser()
      const records = new M3uRecords(this.#login, base)
      const recordsOf = function* (lines: readonly (string | undefined)[]): Generator<ProviderRecord> {
        for (const line of lines) {
          const item = parser.read(line)
          if (item === undefined) continue
          if ('problem' in item)
            yield { type: 'rejected', section: 'playlist', row: `line ${item.line}`, reason: item.problem }
          else yield* records.of(item)
        }
      }
      for await (const chunk of chunks) yield* recordsOf(splitter.push(chunk))
      yield* recordsOf(splitter.end())
      parser.end()
    } finally {
      ending.abort()
    }
  }

  /** The playlist's text. What fails before its first byte is tried again. */
  async #open(signal: AbortSignal): Promise<{ chunks: AsyncIterable<Uint8Array>; base: URL | undefined }> {
    const playlist = this.#playlist
    if (!(playlist instanceof URL))
      return { chunks: plain(readFile(playlist, signal), `Cannot read ${playlist}`), base: undefined }
    const target = {
      url: playlist,
      label: 'the playlist',
      headers: { 'accept-encoding': 'gzip' },
      patienceMs: this.#answerMs,
    }
    const open = async () => {
      const answer = await this.#ports.http.get(target, signal)
      const { rest } = await peek(plain(answer.body, `Cannot read the playlist from ${answer.url.host}`), 1)
      return { chunks: rest, base: answer.url }
    }
    return retrying(open, { ...retries, clock: this.#ports.clock }, signal)
  }
}

function plain(chunks: AsyncIterable<Uint8Array>, what: string): AsyncIterable<Uint8Array> {
  return limited(unzipped(chunks, what), maxPlaylistBytes, what)
}

async function* readFile(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { signal })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const { code } = error as NodeJS.ErrnoException
    throw new ProviderError('unreachable', `Cannot read the playlist ${path} (${code})`, {
      cause: error,
      permanent: true,
    })
  }
}
