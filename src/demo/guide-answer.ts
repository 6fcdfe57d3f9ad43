import { createHash } from 'node:crypto'
import type { Answer, Exchange } from './answer.ts'
import type { Faults } from './faults.ts'
import type { Guide } from './guide.ts'
import { guideDocument } from './guide-xml.ts'
import { pieces } from './pieces.ts'
import { decideRange, type RangeRequest } from './ranges.ts'
import { validatorsOf } from './validators.ts'

const HOUR_MS = 3_600_000

/** xmltv.php, written while it is sent; the same bytes, under the same ETag, for all of an hour. */
export function guideAnswer(guide: Guide, faults: Faults, exchange: Exchange, asked: RangeRequest): Answer {
  const now = exchange.clock.now()
  const changes = createHash('md5')
    .update(JSON.stringify([faults.guide, faults.catalogue]))
    .digest('hex')
    .slice(0, 8)
  const hour = Math.floor(now / HOUR_MS)
  const { etag, modifiedAt, headers } = validatorsOf(
    { tag: `guide-${hour}-${changes}`, modifiedAt: new Date(hour * HOUR_MS) },
    exchange.faults.validators,
  )
  // Parts of what is written while it is sent are not to be had.
  const decision = decideRange({ ...asked, range: undefined }, { bytes: 0, etag, modifiedAt })
  if (decision.status === 304) return { status: 304, headers }
  const body = pieces(guideDocument(guide, now, faults.guide ?? {}), faults.guide?.latin1 === true ? 'latin1' : 'utf8')
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body }
}
