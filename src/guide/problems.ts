/** What is wrong with guides of others and was put right, or left out: counted by kind. */
export type ProblemKind =
  | 'encoding' // bytes that are not of the document's encoding; read as windows-1252
  | 'control-character' // left out
  | 'ampersand' // a raw `&` or `<`, or a name that no entity has; taken literally
  | 'markup' // tags that are not closed, or closed twice; read as far as they make sense
  | 'time' // a start or stop that is no time; a programme without a start is left out
  | 'untitled' // a programme without a title; left out
  | 'stop-before-start' // left out
  | 'too-long' // a programme of more than a day; left out
  | 'duplicate' // a second programme with the same start; left out
  | 'overlap' // the earlier one ends where the later one starts
  | 'no-stop' // ends where the next one starts

export type Problems = { readonly [kind in ProblemKind]?: number }

/** Counts problems. */
export class ProblemCount {
  readonly #counts = new Map<ProblemKind, number>()

  add(kind: ProblemKind, count = 1): void {
    if (count > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count)
  }

  addAll(problems: Problems): void {
    for (const [kind, count] of Object.entries(problems)) this.add(kind as ProblemKind, count)
  }

  toObject(): Problems {
    return Object.fromEntries(this.#counts)
  }
}
