/** The headers that decide which part of a representation is sent. */
export interface RangeRequest {
  readonly method: string
  readonly range?: string | undefined
  readonly ifRange?: string | undefined
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
  readonly ifUnmodifiedSince?: string | undefined
}

export interface Representation {
  readonly bytes: number
  /** With its quotes, and `W/` when weak; nothing when there is none. */
  readonly etag?: string | undefined
  readonly modifiedAt?: Date | undefined
}

/** `start` up to, not including, `end`. */
export type RangeDecision =
  | { readonly status: 200 | 206; readonly start: number; readonly end: number }
  | { readonly status: 304 | 412 | 416 }

/** More parts than this are taken for an attack and ignored, as RFC 9110 section 14.2 allows. */
const MAX_PARTS = 10

/**
 * What a conforming server answers (RFC 9110 sections 13.2.2 and 14.2). Ranges that overlap or touch are joined; a request for
 * several that lie apart is answered with everything, which the RFC leaves to the server.
 */
export function decideRange(request: RangeRequest, current: Representation): RangeDecision {
  const whole = { status: 200, start: 0, end: current.bytes } as const
  const refused = precondition(request, current)
  if (refused !== undefined) return { status: refused }
  if (request.method !== 'GET' || request.range === undefined || !ifRangeHolds(request.ifRange, current)) return whole
  const ranges = parseRange(request.range, current.bytes)
  if (ranges === 'invalid') return whole
  const joined = join(ranges)
  const [only] = joined
  if (only === undefined) return { status: 416 }
  return joined.length === 1 ? { status: 206, ...only } : whole
}

interface Span {
  readonly start: number
  readonly end: number
}

/** The satisfiable ones of `bytes=0-499,-500`; `invalid` when it does not follow the grammar or has another unit. */
export function parseRange(header: string, bytes: number): readonly Span[] | 'invalid' {
  const [, list] = /^bytes\s*=\s*(.+)$/i.exec(header.trim()) ?? []
  const parts = list
    ?.split(',')
    .map(part => part.trim())
    .filter(part => part !== '') // empty list members are allowed
  if (parts === undefined || parts.length === 0 || parts.length > MAX_PARTS) return 'invalid'
  const spans: Span[] = []
  for (const part of parts) {
    const [, first, last] = /^(\d*)-(\d*)$/.exec(part) ?? []
    if (first === undefined || last === undefined || (first === '' && last === '')) return 'invalid'
    if (first !== '' && last !== '' && Number(last) < Number(first)) return 'invalid'
    const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
    const end = first === '' || last === '' ? bytes : Math.min(bytes, Number(last) + 1)
    if (start < end) spans.push({ start, end })
  }
  return spans
}

function join(spans: readonly Span[]): Span[] {
  const joined: Span[] = []
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const before = joined.at(-1)
    if (before !== undefined && span.start <= before.end) {
      joined[joined.length - 1] = { start: before.start, end: Math.max(before.end, span.end) }
    } else {
      joined.push(span)
    }
  }
  return joined
}

/** RFC 9110 section 13.1.5: a strong ETag that is the same, or the exact date. */
function ifRangeHolds(ifRange: string | undefined, { etag, modifiedAt }: Representation): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('W/')) return false
  if (ifRange.startsWith('"')) return ifRange === etag
  return modifiedAt !== undefined && Date.parse(ifRange) === modifiedAt.getTime()
}

/** RFC 9110 section 13.2.2, in its order. */
function precondition(request: RangeRequest, { etag, modifiedAt }: Representation): 304 | 412 | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = request
  if (ifMatch !== undefined) {
    if (!listed(ifMatch, etag?.startsWith('W/') ? undefined : etag)) return 412
  } else if (ifUnmodifiedSince !== undefined && modifiedAt !== undefined) {
    if (modifiedAt.getTime() > Date.parse(ifUnmodifiedSince)) return 412
  }
  const weak = (tag: string | undefined) => tag?.replace(/^W\//, '')
  if (ifNoneMatch !== undefined) {
    if (listed(ifNoneMatch.replaceAll('W/', ''), weak(etag))) return 304
  } else if (ifModifiedSince !== undefined && modifiedAt !== undefined) {
    if (modifiedAt.getTime() <= Date.parse(ifModifiedSince)) return 304
  }
  return undefined
}

function listed(header: string, etag: string | undefined): boolean {
  if (header.trim() === '*') return true
  return etag !== undefined && header.split(',').some(tag => tag.trim() === etag)
}
