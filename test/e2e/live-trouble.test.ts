import t from 'tap'
import type { AnswerFaults } from '../../src/demo/index.ts'
import { without } from '../lib/programs.ts'
import { serveDemo } from '../lib/served-demo.ts'
import { checkTs } from '../lib/ts-check.ts'
import { until } from '../lib/until.ts'

/** Channels of a provider on a bad day: what viewers see goes on, and nothing is left behind. */

interface Row {
  readonly number: string
  readonly name: string
  readonly id: number
  readonly upstreams: readonly { readonly locator: string }[]
}

const skip = without('ffmpeg')
const maxConnections = 3

async function scene(t: import('tap').Test) {
  const served = await serveDemo(t, {
    demo: { maxConnections },
    flags: { 'tuner-discovery': 'off', 'live-stall': '1s', 'guide-schedule': 'off' },
  })
  const { url } = served.app.http
  const rows = await until('a lineup', async () => {
    const found = (await (await fetch(`${url}/api/channels?limit=100`)).json()) as readonly Row[]
    return found.length > 0 && found
  })
  const targetOf = ({ upstreams: [first] }: Row) => first!.locator.replace(/\.\w+$/, '')
  return { served, demo: served.demo, url, rows, targetOf }
}

/** A viewer who keeps what he gets. */
async function view(url: string, number: string) {
  const leaving = new AbortController()
  const answer = await fetch(`${url}/auto/v${number}`, { signal: leaving.signal })
  if (!answer.ok) return undefined
  const parts: Uint8Array[] = []
  const seen = { length: 0 }
  const over = (async () => {
    for await (const part of answer.body!) {
      parts.push(part)
      seen.length += part.length
    }
  })().catch(() => {})
  return {
    seen,
    async leave() {
      leaving.abort()
      await over
      const all = Buffer.concat(parts)
      return all.subarray(0, all.length - (all.length % 188))
    },
  }
}

/** In mid-stream: the channel's only stream dies in some way, and is had again. */
const deaths: readonly (readonly [string, AnswerFaults])[] = [
  ['its connection breaks', { cutAfterMs: 1_500, times: 1 }],
  ['it ends as if that were all', { endAfterMs: 1_500, times: 1 }],
  ['nothing comes any more', { stallAfterMs: 1_500, times: 1 }],
  ['it breaks, and a page comes in its place', { cutAfterMs: 1_500, times: 1 }],
]

t.test('a stream that dies in mid-stream goes on, and its viewer sees one that never broke', { skip }, async t => {
  const { demo, url, rows, targetOf, served } = await scene(t)
  /** A channel of one upstream, that is a transport stream. */
  async function singleStream(): Promise<Row> {
    for (const row of rows.filter(({ upstreams }) => upstreams.length === 1)) {
      const viewer = await view(url, row.number)
      const kind = served.app.status().live!.sessions[0]?.upstream?.kind
      await viewer?.leave()
      await until('it to be free', () => served.app.status().live!.sessions.length === 0)
      if (kind === 'ts') return row
    }
    throw new Error('The demo has no such channel')
  }
  const row = await singleStream()
  const target = targetOf(row)
  for (const [how, fault] of deaths) {
    demo.faults.answers[target] = { ...fault }
    const viewer = await view(url, row.number)
    if (viewer === undefined) return t.fail(`${how}: it could not be tuned to`)
    if (how.includes('page')) {
      await until('the first part', () => viewer.seen.length > 50_000)
      demo.faults.answers[target] = { instead: 'html', times: 2 }
    }
    await until('it to have gone on', () => {
      const [session] = served.app.status().live!.sessions
      return session !== undefined && session.breaks + session.failovers > 0 && session.upstream !== undefined
    })
    const before = viewer.seen.length
    await until('more of it', () => viewer.seen.length > before + 200_000)
    const report = checkTs(await viewer.leave(), 2)
    t.strictSame(report.errors, [], how)
    delete demo.faults.answers[target]
    await until('it to be free', () => served.app.status().live!.sessions.length === 0)
  }
  t.ok(demo.connections.peak <= maxConnections)
})
