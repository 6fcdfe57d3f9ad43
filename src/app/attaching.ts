import { join } from 'node:path'
import {
  type AttachmentSource,
  type Attachments,
  digestOf,
  extensionOf,
  openAttachments,
} from '../attachments/index.ts'
import type { AttachmentFacts, AttachResult, Catalog } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { type Measurer, type MeasurerStats, SourceError, startMeasurer } from '../materialize/index.ts'
import { type Account, ProviderError } from '../provider/index.ts'
import type { CatalogThread } from './catalog-thread.ts'
import { accountsById, translated } from './source-errors.ts'

/** Counting costs what it counts. */
const maxCounted = 10_000

export interface AttachingOptions {
  readonly config: Config
  readonly accounts: ReadonlyMap<string, Account>
  readonly catalog: Catalog
  readonly thread: Pick<CatalogThread, 'attach' | 'renewAttachment'>
  readonly log: Logger
  readonly clock: Clock
}

export interface AttachingStats {
  /** Here, and their bytes. */
  readonly files: number
  readonly bytes: number
  readonly budgetBytes: number
  /** To be fetched for the first time, and again after a failure: as far as they are counted, 10,000 each. */
  readonly waiting: number
  readonly failed: number
  /** Since the start; `measured` are those that were had. */
  readonly fetching: MeasurerStats
}

/** Pictures and subtitles: fetched in the background where libraries want them, and read from disk. */
export interface Attaching extends AsyncDisposable {
  readonly attachments: Attachments
  /** There may be something new to fetch. */
  wake(): void
  /** Drops the bytes of what is no longer in the catalogue. */
  forgetOld(): Promise<void>
  stats(): AttachingStats
}

export function startAttaching({ config, accounts, catalog, thread, log, clock }: AttachingOptions): Attaching {
  const accountOf = accountsById(accounts)
  const source: AttachmentSource = {
    fetch: ({ accountId, locator }, signal) => accountOf(accountId).attachment(locator, { priority: 'scan', signal }),
  }
  const renew = async (id: number) => {
    try {
      await thread.renewAttachment(id)
    } catch (error) {
      log.error({ error, attachment: id }, 'could not note that a picture or subtitles changed')
    }
  }
  let forgetting: Promise<void> = Promise.resolve()
  const forgetOld = async () => {
    try {
      await attachments.retain(id => isClosing || catalog.hasAttachment(id))
    } catch (error) {
      log.warn({ error }, 'Old pictures and subtitles could not be removed')
    }
  }
  let isClosing = false
  const directory = join(config.cache.directory, 'sidecars')
  const attachments = openAttachments({ directory }, { source, clock, onChanged: id => void renew(id) })
  const lane = startLane({ config, accounts, catalog, thread, log, clock }, attachments)
  return {
    attachments,
    wake: () => lane.wake(),
    stats: () => ({
      ...catalog.attachmentTotals(),
      ...catalog.attachmentBacklog(maxCounted),
      budgetBytes: config.sidecars.budgetBytes,
      fetching: lane.stats(),
    }),
    forgetOld() {
      forgetting = forgetting.then(forgetOld)
      return forgetting
    },
    async [Symbol.asyncDispose]() {
      isClosing = true
      await forgetting
      await lane[Symbol.asyncDispose]()
      await attachments[Symbol.asyncDispose]()
    },
  }
}

/** One that was fetched: its bytes, and what the catalogue is to know of them. */
interface Fetched {
  readonly facts: AttachmentFacts
  readonly bytes: Uint8Array
}

/** The pace, pauses and priorities of measuring; what it calls a variant is an attachment here. */
function startLane(options: AttachingOptions, attachments: Attachments): Measurer {
  const { config, accounts, catalog, thread, log, clock } = options
  const { perSecond, concurrency, budgetBytes } = config.sidecars
  const accountOf = accountsById(accounts)
  return startMeasurer<Fetched>(
    { perSecond, concurrency },
    {
      accounts: [...accounts.keys()],
      queue: {
        next(accountId, limit) {
          if (catalog.attachmentTotals().bytes >= budgetBytes) return []
          const due = catalog.toAttach(accountId, limit, clock.now())
          return due.map(({ attachmentId, locator }) => ({ variantId: attachmentId, accountId, locator }))
        },
        async record(results) {
          const told: AttachResult[] = []
          for (const { variantId: attachmentId, ...result } of results) {
            if ('bytes' in result) await attachments.keep(attachmentId, result.bytes)
            told.push('bytes' in result ? { attachmentId, facts: result.facts } : { attachmentId, ...result })
          }
          await thread.attach(told)
        },
      },
      measure: async ({ accountId, locator }, signal) => {
        const bytes = await translated(() => fetchOne(accountOf(accountId), locator, signal))
        const extension = extensionOf(bytes)
        if (extension === undefined) {
          throw new SourceError('not-media', 'What was sent is no JPEG, PNG or WebP, and no SRT, WebVTT or ASS')
        }
        return { bytes, facts: { size: bytes.length, sha256: digestOf(bytes), extension } }
      },
      log,
      clock,
    },
  )
}

/** A host of pictures that cannot be reached says nothing about the account: the others are fetched all the same. */
async function fetchOne(account: Account, locator: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await account.attachment(locator, { priority: 'measure', signal })
  } catch (error) {
    if (!(error instanceof ProviderError) || (error.code !== 'unreachable' && error.code !== 'busy')) throw error
    const { message, retryAfterMs } = error
    throw new ProviderError('failed', message, { cause: error, retryAfterMs })
  }
}
