import type { FastifyRequest } from 'fastify'
import type { RangeRequest } from './ranges.ts'

/** `101.mp4` and `101` are both title 101: nobody checks the extension. */
export function idOf(file: string): number | undefined {
  const [, digits] = /^(\d{1,15})(?:\.\w{1,8})?$/.exec(file) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** `m3u8` of `301.m3u8`; nothing without one. */
export const extensionOf = (file: string): string | undefined => /\.(\w{1,8})$/.exec(file)?.[1]?.toLowerCase()

/** The path that was asked for, without its query. */
export const pathOf = ({ url }: FastifyRequest): string => url.replace(/\?.*$/s, '')

/** The address the client used, so that what it is told leads it back here. */
export function hostOf(request: FastifyRequest): string {
  const { host } = request.headers
  const { localAddress = '127.0.0.1', localPort = 80 } = request.socket
  return host !== undefined && /^[\w.:[\]-]{1,255}$/.test(host) ? host : `${localAddress}:${localPort}`
}

/** The parameters that were given once. */
export function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  const entries = Object.entries(request.query as Record<string, unknown>)
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** What decides which part of a file is sent. */
export function conditionsOf({ method, headers }: FastifyRequest): RangeRequest {
  return {
    method,
    range: headers.range,
    ifRange: headers['if-range'] as string | undefined,
    ifMatch: headers['if-match'],
    ifNoneMatch: headers['if-none-match'],
    ifModifiedSince: headers['if-modified-since'],
    ifUnmodifiedSince: headers['if-unmodified-since'],
  }
}
