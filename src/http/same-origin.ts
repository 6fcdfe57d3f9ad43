import type { FastifyRequest } from 'fastify'
import { HttpProblem } from '../lib/http-problem.ts'

/**
 * Throws HttpProblem 403 for what a page of another origin had a browser send. Browsers say where a request is from in
 * Sec-Fetch-Site, but over plain http only in Origin. What says neither is no browser.
 */
export function requireSameOrigin({ headers }: FastifyRequest): void {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return
  if (site === undefined && (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host))) return
  throw new HttpProblem(403, `This was sent by another page (${origin ?? site}), and not by one of ours.`)
}

/** Throws HttpProblem 403 unless a script of ours sent it: forms cannot add a header, and other origins' scripts may not. */
export function requireScript({ headers }: FastifyRequest): void {
  if (headers['x-requested-with'] !== undefined) return
  throw new HttpProblem(403, 'With a session, changes need the header X-Requested-With, with any value.')
}
