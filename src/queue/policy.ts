import type { Candidate } from './ports.ts'

/** What is made of a library's titles without anybody asking. */
export interface LibraryPolicy {
  /** The library's. */
  readonly name: string
  readonly make: {
    readonly policy: 'everything' | 'newest' | 'matching' | 'on-demand'
    /** For `newest`: how many. */
    readonly newest: number
    /** For `matching`: a regular expression for the provider's name, without regard to case. */
    readonly match?: string
  }
}

/** What is taken for the size of a file of which nothing is known. */
export const assumedBytes = 2 * 2 ** 30

/** What the queue has to say about a candidate. */
export type Standing =
  | 'free' // a policy may take it
  | 'spoken-for' // it is in the queue for another reason, or has failed there: it counts, and is not taken again
  | 'excluded' // a person does not want it

export interface ChoiceOptions {
  readonly policies: readonly LibraryPolicy[]
  /** How many to choose. */
  readonly limit: number
  /** Bytes that the chosen may come to. */
  readonly roomBytes: number
  /** When the `count` newest titles of a library that were made had been added, the newest first. */
  madeAt(library: string, count: number): readonly number[]
}

/** Takes candidates, offered the newest first, for which a library's policy speaks and for which there is room. */
export class Choice {
  readonly #limit: number
  readonly #takers: ReadonlyMap<string, Taker>
  readonly #chosen: Candidate[] = []
  #roomBytes: number

  constructor({ policies, limit, roomBytes, madeAt }: ChoiceOptions) {
    this.#limit = limit
    this.#roomBytes = roomBytes
    this.#takers = new Map(policies.map(policy => [policy.name, takerFor(policy, madeAt)]))
  }

  /** The newest first. */
  get chosen(): readonly Candidate[] {
    return this.#chosen
  }

  /** True when offering more is of no use. */
  get isComplete(): boolean {
    if (this.#chosen.length >= this.#limit || this.#roomBytes <= 0) return true
    return [...this.#takers.values()].every(({ isOver }) => isOver)
  }

  offer(candidate: Candidate, standing: Standing): void {
    if (standing === 'excluded' || this.isComplete) return
    const takers = candidate.libraries.filter(name => this.#takers.get(name)?.takes(candidate)) // each counts for itself
    const bytes = candidate.expectedBytes ?? assumedBytes
    if (takers.length === 0 || standing === 'spoken-for' || bytes > this.#roomBytes) return
    this.#roomBytes -= bytes
    this.#chosen.push(candidate)
  }
}

/** One library's policy, asked about candidates from the newest down. */
interface Taker {
  takes(candidate: Candidate): boolean
  /** True when it takes none of what is older. */
  readonly isOver: boolean
}

function takerFor({ name, make }: LibraryPolicy, madeAt: ChoiceOptions['madeAt']): Taker {
  switch (make.policy) {
    case 'everything':
      return { takes: () => true, isOver: false }
    case 'on-demand':
      return { takes: () => false, isOver: true }
    case 'newest':
      return new NewestTaker(make.newest, madeAt(name, make.newest))
    case 'matching': {
      if (make.match === undefined) throw new Error(`The policy of ${name} is to match nothing in particular`)
      const pattern = new RegExp(make.match, 'iu')
      return { takes: candidate => pattern.test(candidate.name), isOver: false }
    }
  }
}

/** Takes the newest, of which some have been made before. */
class NewestTaker implements Taker {
  readonly #count: number
  readonly #madeAt: readonly number[]
  #taken = 0
  isOver = false

  constructor(count: number, madeAt: readonly number[]) {
    this.#count = count
    this.#madeAt = madeAt
  }

  takes({ addedAt }: Candidate): boolean {
    const newer = this.#madeAt.filter(made => made >= addedAt).length
    if (newer + this.#taken >= this.#count) this.isOver = true
    else this.#taken++
    return !this.isOver
  }
}
