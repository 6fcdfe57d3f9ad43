import type { Candidate, Group } from './groups.ts'

/** What people say of which listings are one channel. */
export interface ByHand {
  /** Listing ids, each of which is a channel of its own. */
  readonly separate: ReadonlySet<number>
  /** Listing ids that belong to a group, whatever they are called, behind its own; the first that claims one has it. */
  readonly adopt: readonly { readonly ids: readonly number[]; isHome(group: Group): boolean }[]
}

/** Groups as people want them: what they did not speak of stays as it is. */
export function regrouped(groups: readonly Group[], { separate, adopt }: ByHand): readonly Group[] {
  if (separate.size === 0 && adopt.length === 0) return groups
  const homeOf = new Map<number, Group>()
  for (const { ids, isHome } of adopt) {
    const home = groups.find(isHome)
    if (home !== undefined) for (const id of ids) if (!homeOf.has(id)) homeOf.set(id, home)
  }
  const moved = new Map<Group, Candidate[]>()
  const alone: Group[] = []
  const staying = groups.map(group => {
    const stay = group.candidates.filter(candidate => {
      const id = candidate.listed.listingId
      const home = homeOf.get(id)
      if (home !== undefined && home !== group) {
        moved.set(home, [...(moved.get(home) ?? []), candidate])
        return false
      }
      if (home !== undefined || !separate.has(id) || group.candidates.length === 1) return true
      const { identity } = group
      alone.push({ identity: JSON.stringify([identity, candidate.listed.name]), candidates: [candidate] })
      return false
    })
    return { group, stay }
  })
  const together = staying.flatMap(({ group, stay }): readonly Group[] => {
    const candidates = [...stay, ...(moved.get(group) ?? [])]
    return candidates.length === 0 ? [] : [{ ...group, candidates }]
  })
  return [...together, ...alone]
}
