import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../lib/clock.ts'
import type { Entry } from './model.ts'
import { maxEntries } from './model.ts'
import { Choice, type LibraryPolicy, type Standing } from './policy.ts'
import type { Budget, Candidate, Candidates } from './ports.ts'
import type { Store } from './store.ts'

/** Entries that policies have waiting at a time, so that what is new soon gets its turn and a change of mind costs little. */
export const maxWaitingByPolicy = 200
/** Candidates looked at in one turn of the event loop. */
const pageSize = 50

export interface FillerDeps {
  readonly store: Store
  readonly candidates: Candidates
  readonly budget: Budget
  readonly policies: readonly LibraryPolicy[]
  readonly clock: Clock
  isRunning(variantId: number): boolean
}

/**
 * Makes the policies' part of the queue what it should be now: the chosen ones are in it, the newest first where nobody has
 * moved them, and what is no longer chosen leaves it. Entries that run, have failed, or were paused by a person stay, unless
 * the title does not wait to be made any more. Resolves to whether the policies would have taken more.
 */
export async function fillByPolicy(
  { store, candidates, budget, policies, clock, isRunning }: FillerDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const failed = store.of('policy').filter(({ attempts }) => attempts > 0).length
  const choice = new Choice({
    policies,
    limit: Math.min(maxWaitingByPolicy, maxEntries.policy - failed),
    roomBytes: budget.room(),
    madeAt: store.madeAt,
  })
  for (let cursor: string | undefined; !choice.isComplete; ) {
    const page = candidates.next(pageSize, cursor)
    for (const candidate of page) choice.offer(candidate, standingOf(candidate, store))
    if (page.length < pageSize) break
    cursor = page.at(-1)!.cursor
    await nextTurn(undefined, { signal })
  }

  const chosen = new Set(choice.chosen.map(({ variantId }) => variantId))
  const isLeaving = ({ variantId, attempts, paused }: Entry) => {
    if (chosen.has(variantId) || isRunning(variantId)) return false
    return (attempts === 0 && !paused) || candidates.describe(variantId)?.toMake !== true
  }
  store.remove(
    store
      .of('policy')
      .filter(isLeaving)
      .map(({ variantId }) => variantId),
  )
  for (const { entries, after } of arrivals(choice.chosen, store)) {
    store.put(entries, 'policy', after === undefined ? 'top' : { after }, clock.now())
  }
  return choice.isComplete
}

function standingOf({ variantId }: Candidate, store: Store): Standing {
  if (store.isExcluded(variantId)) return 'excluded'
  const entry = store.get(variantId)
  return entry !== undefined && (entry.origin !== 'policy' || entry.attempts > 0) ? 'spoken-for' : 'free'
}

/** The chosen that are not in the queue yet, in runs, each with the entry that it comes after. */
function arrivals(
  chosen: readonly Candidate[],
  store: Store,
): readonly { readonly entries: readonly Candidate[]; readonly after: number | undefined }[] {
  const runs: { entries: Candidate[]; after: number | undefined }[] = []
  let run: { entries: Candidate[]; after: number | undefined } = { entries: [], after: undefined }
  for (const candidate of chosen) {
    const entry = store.get(candidate.variantId)
    if (entry === undefined) run.entries.push(candidate)
    else if (entry.origin === 'policy') {
      runs.push(run)
      run = { entries: [], after: candidate.variantId }
    }
  }
  return [...runs, run].filter(({ entries }) => entries.length > 0)
}
