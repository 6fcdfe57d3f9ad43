import { randomBytes } from 'node:crypto'
import { type Answer, type Exchange, text } from './answer.ts'
import type { Channel } from './catalogue.ts'
import { type Media, revisedMedia } from './media.ts'
import { decideRange, type RangeRequest } from './ranges.ts'

/** A viewer gets this much of a channel at once, and then as much as plays. */
const LIVE_BURST_SECONDS = 2
const LIVE_TICK_MS = 100
/** Whole MPEG-TS packets, seven at a time as is usual on networks. */
const LIVE_UNIT_BYTES = 7 * 188

const contentTypes = {
  mp4: 'video/mp4',
  mkv: 'video/x-matroska',
  ts: 'video/mp2t',
  vtt: 'text/vtt',
  key: 'application/octet-stream',
} as const

/** A film or an episode: what a conforming file server answers, apart from what the faults of the exchange change. */
export function fileAnswer(media: Media, request: RangeRequest, { faults }: Exchange): Answer {
  const current = revisedMedia(media, faults.revision ?? 0, faults.growBy ?? 0)
  const { validators, noRanges } = faults
  const tag = validators === 'changing' ? randomBytes(8).toString('hex') : current.tag
  const etag = validators === 'none' ? undefined : `${validators === 'weak' ? 'W/' : ''}"${tag}"`
  const modifiedAt = validators === 'none' ? undefined : current.modifiedAt
  const headers: Record<string, string> = { 'content-type': contentTypes[current.container] }
  if (etag !== undefined) headers.etag = etag
  if (modifiedAt !== undefined) headers['last-modified'] = modifiedAt.toUTCString()
  if (noRanges !== true) headers['accept-ranges'] = 'bytes'

  const { range, ...others } = request
  const wanted = noRanges === true ? others : { range, ...others }
  const decision = decideRange(wanted, { bytes: current.bytes, etag, modifiedAt })
  switch (decision.status) {
    case 304:
      return { status: 304, headers }
    case 412:
      return text(412, 'precondition failed\n')
    case 416:
      return text(416, 'range not satisfiable\n', { 'content-range': `bytes */${current.bytes}` })
    case 206:
    case 200: {
      const { status, start, end } = decision
      if (status === 206) {
        const described = contentRange(faults.contentRange, start, end, current.bytes)
        if (described !== undefined) headers['content-range'] = described
      }
      return { status, headers, bytes: end - start, body: current.read(start, end) }
    }
  }
}

function contentRange(
  fault: Exchange['faults']['contentRange'],
  start: number,
  end: number,
  bytes: number,
): string | undefined {
  switch (fault) {
    case undefined:
      return `bytes ${start}-${end - 1}/${bytes}`
    case 'wrong-start':
      return `bytes ${start + 1}-${Math.min(end, bytes - 1)}/${bytes}`
    case 'wrong-total':
      return `bytes ${start}-${end - 1}/${bytes + 1}`
    case 'no-total':
      return `bytes ${start}-${end - 1}/*`
    case 'missing':
      return undefined
  }
}

/** A channel, from now until the viewer leaves. */
export function liveAnswer(channel: Channel, exchange: Exchange): Answer {
  return { status: 200, headers: { 'content-type': contentTypes.ts }, body: liveBody(channel, exchange) }
}

/** The loop over and over, at the speed it plays; timestamps start again with each turn. */
async function* liveBody({ loop }: Channel, { clock, signal }: Exchange): AsyncGenerator<Buffer> {
  const { media, seconds } = loop
  const startedAt = clock.now()
  for (let sent = 0; !signal.aborted; ) {
    const due = ((clock.now() - startedAt) / 1000 + LIVE_BURST_SECONDS) * (media.bytes / seconds)
    const upTo = Math.floor(due / LIVE_UNIT_BYTES) * LIVE_UNIT_BYTES
    while (sent < upTo && !signal.aborted) {
      const at = sent % media.bytes
      for await (const chunk of media.read(at, Math.min(media.bytes, at + upTo - sent))) {
        yield chunk
        sent += chunk.length
      }
    }
    await clock.sleep(LIVE_TICK_MS, signal).catch(() => {})
  }
}
