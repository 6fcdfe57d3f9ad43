import { readFileSync } from 'node:fs'
import type { Test } from 'tap'
import {
  type Guide,
  type GuideChannel,
  type GuideDeps,
  type GuideOptions,
  type GuideSource,
  openGuide,
} from '../../src/guide/index.ts'
import { readXmltv, type XmltvSummary } from '../../src/guide/read/xmltv.ts'
import type { XmlElement } from '../../src/guide/xml-element.ts'
import { silentLog } from '../../src/lib/log.ts'
import { run, without } from '../lib/programs.ts'
import { TestClock } from '../lib/test-clock.ts'

export const hour = 3_600_000
/** A Tuesday. */
export const noon = Date.UTC(2026, 4, 19, 12)
export const never = new AbortController().signal

export const stamp = (time: number) => `${new Date(time).toISOString().slice(0, 19).replace(/[-T:]/g, '')} +0000`

/** XMLTV of what is given; times in hours after noon. */
export function xmltv(
  channels: Record<string, string>,
  programmes: readonly (readonly [channel: string, start: number, stop: number | undefined, content: string])[],
): string {
  const listed = Object.entries(channels).map(
    ([id, name]) => `<channel id="${id}"><display-name>${name}</display-name></channel>`,
  )
  const shown = programmes.map(([channel, start, stop, content]) => {
    const end = stop === undefined ? '' : ` stop="${stamp(noon + stop * hour)}"`
    return `<programme start="${stamp(noon + start * hour)}"${end} channel="${channel}">${content.startsWith('<') ? content : `<title>${content}</title>`}</programme>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<tv>\n${[...listed, ...shown].join('\n')}\n</tv>\n`
}

/** Ids as the validator of XMLTV wants them, with a dot. */
export function channel(id: number, name: string, more: Partial<GuideChannel> = {}): GuideChannel {
  return {
    ...{ id, number: String(1000 + id), guideId: `c${id}.reelport.example`, name },
    ...{ hints: { ids: [], names: [] }, shiftMinutes: 0, isDead: false, upstreams: [] },
    ...more,
  }
}

export async function* pieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** A source that answers as a server with entity tags does. */
export class FakeSource implements GuideSource {
  readonly name: string
  readonly priority: number
  body: Uint8Array | Error
  /** How often it was asked, and how often it sent its document. */
  asked = 0
  sent = 0

  constructor(name: string, priority: number, body: string | Uint8Array) {
    this.name = name
    this.priority = priority
    this.body = Buffer.from(body as string)
  }

  async open(validators: Parameters<GuideSource['open']>[0]) {
    this.asked++
    if (this.body instanceof Error) throw this.body
    const etag = `"${tagOf(this.body)}"`
    if (validators?.etag === etag) return undefined
    this.sent++
    return { etag, chunks: pieces(this.body), [Symbol.asyncDispose]: async () => {} }
  }
}

/** Any function of the bytes will do. */
function tagOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum * 31 + byte) % 2_147_483_647, 7)
}

export interface Opened extends Disposable {
  readonly guide: Guide
  readonly directory: string
  readonly clock: TestClock
  /** The text of the first device's guide. */
  text(): string
}

/** A guide in a directory of the test's. */
export function open(
  t: Test,
  deps: Partial<GuideDeps>,
  options: GuideOptions = {},
  directory = t.testdir({}),
  clock = new TestClock(noon),
): Opened {
  const guide = openGuide(directory, options, { sources: [], clock, log: silentLog, ...deps })
  return {
    ...{ guide, directory, clock },
    text: () => readFileSync(guide.latest(0)!.path, 'utf8'),
    [Symbol.dispose]: () => guide[Symbol.dispose](),
  }
}

/** All that a document has. */
export async function readAll(chunks: AsyncIterable<Uint8Array> | Uint8Array | string): Promise<{
  channels: { key: string; names: readonly string[] }[]
  programmes: { key: string; start: number; stop: number | undefined; element: XmlElement }[]
  summary: XmltvSummary
}> {
  const channels: { key: string; names: readonly string[] }[] = []
  const programmes: { key: string; start: number; stop: number | undefined; element: XmlElement }[] = []
  const bytes = typeof chunks === 'string' ? Buffer.from(chunks) : chunks
  const summary = await readXmltv(
    bytes instanceof Uint8Array ? pieces(bytes) : bytes,
    { channel: one => channels.push(one), programme: one => programmes.push(one) },
    never,
  )
  return { channels, programmes, summary }
}

export const titleOf = (programme: { element: XmlElement }) =>
  programme.element.children.find(({ name }) => name === 'title')?.text

export const noValidators = without('xmllint', 'tv_validate_file', 'tv_sort')

/** What those who made the format say about a file: nothing, if it is right. */
export async function complaints(path: string): Promise<string> {
  const dtd = await run('xmllint', ['--noout', '--dtdvalid', '/usr/share/xmltv/xmltv.dtd', path])
  const validator = await run('tv_validate_file', [path], { env: { XMLTV_SUPPLEMENT: '/usr/share/xmltv' } })
  const sorter = await run('tv_sort', ['--output', '/dev/null', path])
  const said = [dtd.stderr, validator.status === 0 ? '' : validator.stdout + validator.stderr, sorter.stderr]
  return said.join('').trim()
}
