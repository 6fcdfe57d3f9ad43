import type { Clock } from '../lib/clock.ts'
import { QueueError } from './errors.ts'
import { type Entry, type Move, maxEntries, type Origin, rankOf } from './model.ts'
import type { Candidates } from './ports.ts'
import type { Store, Where } from './store.ts'

/** What was done with the titles of a call, each in one of the lists. */
export interface Changed {
  readonly changed: readonly number[]
  /** No titles, or none that are in the queue. */
  readonly unknown: readonly number[]
}

/** Changes to the kept queue, as `Queue` describes them; what runs is left to the caller. */
export class Edits {
  readonly #store: Store
  readonly #candidates: Candidates
  readonly #clock: Clock

  constructor(store: Store, candidates: Candidates, clock: Clock) {
    this.#store = store
    this.#candidates = candidates
    this.#clock = clock
  }

  add(variantIds: readonly number[], origin: Origin, where: 'top' | 'bottom'): Changed {
    const known = new Map<number, string>()
    for (const id of variantIds) {
      const accountId = this.#store.get(id)?.accountId ?? this.#candidates.describe(id)?.accountId
      if (accountId !== undefined) known.set(id, accountId)
    }
    const changed = this.#admitted([...known.keys()], origin)
    const placed = changed.filter(
      id => this.#isRising(id, origin) || (where === 'top' && this.#store.get(id)?.origin === origin),
    )
    if (origin === 'person') {
      this.#store.exclude(changed, false)
      this.#store.setPaused(changed, false)
      this.#store.clear(changed)
    }
    this.#put(placed, origin, where, known)
    return { changed, unknown: without(variantIds, known) }
  }

  remove(variantIds: readonly number[]): Changed {
    const known = this.#entries(variantIds)
    for (const id of variantIds) if (this.#candidates.describe(id) !== undefined) known.set(id, '')
    const changed = [...known.keys()]
    this.#store.exclude(changed, true)
    this.#store.remove(changed)
    return { changed, unknown: without(variantIds, known) }
  }

  pause(variantIds: readonly number[]): Changed {
    const known = this.#entries(variantIds)
    this.#store.setPaused([...known.keys()], true)
    return { changed: [...known.keys()], unknown: without(variantIds, known) }
  }

  resume(variantIds: readonly number[]): Changed {
    const known = this.#entries(variantIds)
    this.#store.setPaused([...known.keys()], false)
    this.#store.clear([...known.keys()])
    return { changed: [...known.keys()], unknown: without(variantIds, known) }
  }

  move(variantIds: readonly number[], to: Move): Changed {
    const known = this.#entries(variantIds)
    const changed = [...known.keys()]
    if (to === 'up' || to === 'down') {
      if (variantIds.length > 1) {
        throw new QueueError('one-only', `Entries move ${to} one at a time, not ${variantIds.length}`)
      }
      for (const id of changed) this.#step(id, to)
    } else if (typeof to === 'object') {
      if (this.#store.get(to.before) === undefined) {
        throw new QueueError('not-queued', `Title ${to.before}, before which others were to go, is not in the queue`)
      }
      for (const id of changed) if (id !== to.before) this.#putBefore(id, to.before)
    } else {
      const originOf = (id: number): Origin => {
        const { origin } = this.#store.get(id)!
        return to === 'top' && origin !== 'read' ? 'person' : origin
      }
      for (const [origin, ids] of Map.groupBy(changed, originOf)) this.#put(ids, origin, to, known)
    }
    return { changed, unknown: without(variantIds, known) }
  }

  /** Those that may be in the queue. @throws QueueError `full` where more were asked for, and not only guessed, than there may be. */
  #admitted(variantIds: readonly number[], origin: Origin): readonly number[] {
    const room = Math.max(0, maxEntries[origin] - this.#store.countOf(origin))
    if (origin === 'person' || origin === 'read') {
      const more = variantIds.filter(id => this.#isRising(id, origin)).length
      if (more <= room) return variantIds
      const limit = `at most ${maxEntries[origin].toLocaleString('en')} ${phrases[origin]}`
      throw new QueueError('full', `No room for ${more} more in the queue: ${limit}`)
    }
    const wanted = variantIds.filter(id => !this.#store.isExcluded(id))
    const tooMany = new Set(wanted.filter(id => this.#isRising(id, origin)).slice(room))
    return wanted.filter(id => !tooMany.has(id))
  }

  /** Whether it is not in the queue yet, or for a less important reason. */
  #isRising(id: number, origin: Origin): boolean {
    const entry = this.#store.get(id)
    return entry === undefined || rankOf(entry.origin) > rankOf(origin)
  }

  #step(id: number, direction: 'up' | 'down'): void {
    const { origin, accountId } = this.#store.get(id)!
    const neighbour = this.#store.neighbour(id, direction === 'up' ? 'before' : 'after')
    if (neighbour === undefined) return
    if (direction === 'up') this.#putBefore(id, neighbour.variantId)
    else if (neighbour.origin === origin)
      this.#put([id], origin, { after: neighbour.variantId }, new Map([[id, accountId]]))
  }

  #putBefore(id: number, other: number): void {
    const entry = this.#store.get(id)!
    const [origin, where] = placeBefore(entry, this.#store.get(other)!)
    this.#put([id], origin, where, new Map([[id, entry.accountId]]))
  }

  #put(ids: readonly number[], origin: Origin, where: Where, accounts: ReadonlyMap<number, string>): void {
    const entries = ids.map(variantId => ({ variantId, accountId: accounts.get(variantId)! }))
    this.#store.put(entries, origin, where, this.#clock.now())
  }

  /** Those that are in the queue, in the order of `variantIds`, with their accounts. */
  #entries(variantIds: readonly number[]): Map<number, string> {
    const entries = variantIds.flatMap(id => this.#store.get(id) ?? [])
    return new Map(entries.map(({ variantId, accountId }) => [variantId, accountId]))
  }
}

const phrases = {
  read: 'may be waited for by readers',
  person: 'may be asked for by people',
}

/** Nothing gets past what is being read, and nothing becomes less important. */
function placeBefore(entry: Entry, other: Entry): readonly [Origin, Where] {
  if (rankOf(other.origin) > rankOf(entry.origin)) return [entry.origin, 'bottom']
  if (other.origin === 'read' && entry.origin !== 'read') return ['person', 'top']
  return [other.origin, { before: other.variantId }]
}

function without(variantIds: readonly number[], known: ReadonlyMap<number, string>): readonly number[] {
  return [...new Set(variantIds)].filter(id => !known.has(id))
}
