import type { Test } from 'tap'
import { type ServedDemo, type ServeOptions, serveDemo } from './served-demo.ts'
import { until } from './until.ts'

/** A row of lineup.json, as media servers read it. */
export interface LineupRow {
  readonly GuideNumber: string
  readonly GuideName: string
  readonly URL: string
}

export interface LiveScene {
  readonly served: ServedDemo
  /** Of the tuner and the API. */
  readonly url: string
  readonly rows: readonly LineupRow[]
  /** The JSON at a path. */
  api(path: string): Promise<unknown>
}

/** The whole server before the demo provider, with its channels in the lineup. Found by nobody, unless the flags say so. */
export async function scene(t: Test, options: ServeOptions = {}): Promise<LiveScene> {
  const served = await serveDemo(t, { ...options, flags: { 'tuner-discovery': 'off', ...options.flags } })
  const url = served.app.http.url
  const rows = await until('a lineup', async () => {
    const answer = await fetch(`${url}/lineup.json`)
    return answer.ok && ((await answer.json()) as readonly LineupRow[])
  })
  return { served, url, rows, api: async path => (await fetch(`${url}${path}`)).json() }
}

/** So many bytes of a channel, in whole packets. @throws Error with what the tuner says when it does not play. */
export async function taste(url: string, bytes: number): Promise<Buffer> {
  const leaving = new AbortController()
  const answer = await fetch(url, { signal: leaving.signal })
  if (!answer.ok) throw new Error(`status ${answer.status}: ${answer.headers.get('x-hdhomerun-error')}`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of answer.body!) {
    parts.push(part)
    length += part.length
    if (length >= bytes) break
  }
  leaving.abort()
  const all = Buffer.concat(parts)
  return all.subarray(0, all.length - (all.length % 188))
}
