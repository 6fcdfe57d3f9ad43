import { type Answer, type Exchange, text } from './answer.ts'
import { type Media, revisedMedia } from './media.ts'
import { decideRange, type RangeRequest } from './ranges.ts'
import { validatorsOf } from './validators.ts'

const contentTypes = {
  mp4: 'video/mp4',
  mkv: 'video/x-matroska',
  ts: 'video/mp2t',
  aac: 'audio/aac',
  vtt: 'text/vtt',
  key: 'application/octet-stream',
} as const

/** A film or an episode: what a conforming file server answers, apart from what the faults of the exchange change. */
export function fileAnswer(media: Media, request: RangeRequest, { faults }: Exchange): Answer {
  const current = revisedMedia(media, faults.revision ?? 0, faults.growBy ?? 0)
  const { validators, noRanges } = faults
  const { etag, modifiedAt, headers: versions } = validatorsOf(current, validators)
  const headers: Record<string, string> = { 'content-type': contentTypes[current.container], ...versions }
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
