import { readdirSync } from 'node:fs'
import t from 'tap'
import type { AnswerFaults } from '../../src/demo/index.ts'
import { children } from '../lib/children.ts'
import { without } from '../lib/programs.ts'
import { serveDemo } from '../lib/served-demo.ts'
import { checkTs } from '../lib/ts-check.ts'
import { until } from '../lib/until.ts'

/**
 * Viewers who zap through the channels of a provider on its worst day, for `REELPORT_SOAK_SECONDS` (20 by default; 840 are an
 * hour of media time): no viewer is left without an answer, no stream is broken, and nothing is left behind.
 */

const seconds = Number(process.env.REELPORT_SOAK_SECONDS ?? 20)
t.setTimeout((seconds + 240) * 1_000)

const maxConnections = 6
const viewers = 4

interface Row {
  readonly number: string
  readonly upstreams: readonly { readonly locator: string }[]
}

/** What goes wrong with a channel while it is watched. */
const faults: readonly (AnswerFaults | undefined)[] = [
  undefined,
  { cutAfterMs: 1_200, times: 1 },
  { endAfterMs: 1_200, times: 1 },
  { stallAfterMs: 1_200, stallMs: 20_000, times: 1 },
  { instead: 'html', times: 1 },
  { instead: 'nothing', times: 1 },
  { instead: 'black', times: 1 },
  { instead: 'challenge', times: 1 },
  { status: 403, times: 1 },
  { status: 404, times: 1 },
  { status: 458, times: 1 },
  { status: 509, times: 1, retryAfter: 1 },
  { status: 500, times: 2 },
  { hangUp: true, times: 1 },
  { latencyMs: 1_500, times: 2 },
  { firstByteAfterMs: 1_500, times: 1 },
  { redirect: true, redirectHops: 2 },
  { redirect: 'root-relative', tokenUses: 1 },
  { jumpAfterMs: 1_200, jumpBySeconds: -3_000, times: 1 },
  { numbersBy: 50_000 },
  { behindMs: 20_000 },
]

/** A repeatable choice. */
function dice(seed: number): <T>(items: readonly T[]) => T {
  let state = seed
  return items => {
    state = (state * 48_271) % 2_147_483_647
    return items[state % items.length]!
  }
}

const descriptors = () => readdirSync('/proc/self/fd').length

t.test('nothing breaks, and nothing is left behind', { skip: without('ffmpeg') }, async t => {
  const served = await serveDemo(t, {
    demo: { maxConnections },
    flags: { 'tuner-discovery': 'off', 'live-stall': '2s', 'guide-schedule': 'off' },
  })
  const { demo } = served
  const { url } = served.app.http
  const rows = await until('a lineup', async () => {
    const found = (await (await fetch(`${url}/api/channels?limit=100`)).json()) as readonly Row[]
    return found.length > 0 && found
  })
  const live = () => served.app.status().live!
  const idle = () => live().sessions.length === 0 && demo.connections.current === 0
  const begunWith = children()
  const seen = { tuned: 0, refused: 0, mediaSeconds: 0, longestMs: 0 }
  const problems: string[] = []

  async function watch(row: Row, fault: AnswerFaults | undefined, packets: number): Promise<void> {
    for (const { locator } of row.upstreams) {
      const target = locator.replace(/\.\w+$/, '')
      if (fault === undefined) delete demo.faults.answers[target]
      else demo.faults.answers[target] = { ...fault }
    }
    const what = `${row.number} with ${JSON.stringify(fault)}`
    const leaving = new AbortController()
    const askedAt = performance.now()
    const answer = await fetch(`${url}/auto/v${row.number}`, { signal: leaving.signal })
    seen.longestMs = Math.max(seen.longestMs, performance.now() - askedAt)
    if (!answer.ok) {
      seen.refused++
      const error = answer.headers.get('x-hdhomerun-error')
      if (answer.status !== 503 || error === null) problems.push(`${what}: ${answer.status} ${error}`)
      await answer.text()
      return
    }
    seen.tuned++
    const parts: Uint8Array[] = []
    let length = 0
    for await (const part of answer.body!) {
      parts.push(part)
      length += part.length
      if (length > packets * 188) break
    }
    leaving.abort()
    const all = Buffer.concat(parts)
    const { errors, seconds } = checkTs(all.subarray(0, all.length - (all.length % 188)), 8)
    seen.mediaSeconds += Math.max(0, ...seconds.values())
    if (errors.length > 0) problems.push(`${what}: ${errors.slice(0, 3).join('; ')}`)
  }

  const deadline = performance.now() + seconds * 1_000
  const zapping = Array.from({ length: viewers }, async (_, viewer) => {
    const choose = dice(viewer + 1)
    while (performance.now() < deadline) await watch(choose(rows), choose(faults), choose([500, 2_000, 5_000]))
  })
  const samples: { rss: number; descriptors: number }[] = []
  const sampling = (async () => {
    for (let at = 1; at <= 4; at++) {
      await until('the next part', () => performance.now() > deadline - seconds * 1_000 * (1 - at / 4), 3_600_000)
      samples.push({ rss: Math.round(process.memoryUsage.rss() / 2 ** 20), descriptors: descriptors() })
    }
  })()
  await Promise.all([...zapping, sampling])
  t.comment(JSON.stringify({ ...seen, samples }))
  t.strictSame(problems, [])
  t.ok(seen.tuned > viewers, `${seen.tuned} times somebody tuned in`)
  t.ok(demo.connections.peak <= maxConnections, `${demo.connections.peak} connections at most`)
  await until('every connection to be free', idle)
  await until('every process to be gone', () => children().every(child => begunWith.includes(child)))
  await until('as few descriptors as in the beginning', () => descriptors() <= samples[0]!.descriptors)
})
