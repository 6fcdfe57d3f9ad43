import type { Appeared, Catalog } from '../catalog/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { WebhookEvent } from '../webhooks/index.ts'

/** Titles are told of together once none has come for this long. */
const quietMs = 60_000
/** While they keep coming they are told of after so many times that. */
const maxRounds = 60
const maxNamed = 20

export interface ReadyTitlesDeps {
  readonly catalog: Pick<Catalog, 'describe'>
  readonly clock: Clock
  readonly tell: (event: WebhookEvent) => void
}

/** Titles that are in the tree now, told of together: a first sync of 150,000 is a message an hour. Disposing of it tells of the rest. */
export interface ReadyTitles extends Disposable {
  readonly add: (appeared?: Appeared) => void
}

export function gatherReadyTitles({ catalog, clock, tell }: ReadyTitlesDeps): ReadyTitles {
  const ending = new AbortController()
  let count = 0
  let titles: object[] = []

  async function tellOnceQuiet(): Promise<void> {
    for (let round = 0, before = 0; round < maxRounds && before !== count; round++) {
      before = count
      await clock.sleep(quietMs, ending.signal)
    }
    tellAll()
  }

  function tellAll(): void {
    if (count === 0) return
    const data = { count, titles }
    count = 0
    titles = []
    tell({ type: 'title.ready', data })
  }

  return {
    add(appeared) {
      if (appeared === undefined || ending.signal.aborted) return
      const isFirst = count === 0
      count += appeared.count
      for (const id of appeared.variantIds.slice(0, maxNamed - titles.length)) {
        const variant = catalog.describe(id)
        if (variant === undefined) continue // gone again already
        const { variantId, accountId, title } = variant
        titles.push({ variantId, accountId, title })
      }
      if (isFirst) tellOnceQuiet().catch(() => {}) // ended: what there is was told
    },
    [Symbol.dispose]() {
      ending.abort()
      tellAll()
    },
  }
}
