import { type ChannelName, readChannelName } from './channel-names.ts'
import type { ListedChannel } from './model.ts'

/** A listing, and what its name says. */
export interface Candidate {
  readonly listed: ListedChannel
  readonly read: ChannelName
  /** Its place in the provider's order. */
  readonly place: number
}

/** Listings that are one channel, in the order in which they are tried. */
export interface Group {
  /** What a channel is known by when none of its listings is there any more: equal for the same channel. */
  readonly identity: string
  readonly candidates: readonly Candidate[]
}

export interface GroupOptions {
  /** Whether several listings can be one channel. */
  readonly merge: boolean
  /** Qualities, the most wanted first; those not named come in the middle. */
  readonly qualities: readonly string[]
}

/** Reads the names. */
export const candidateOf = (listed: ListedChannel, place: number): Candidate => ({
  listed,
  place,
  read: readChannelName(listed.name),
})

/**
 * Puts listings together that are the same channel: with the same name but for quality and decoration, the same prefix, and
 * guide ids that are equal or missing. Does not depend on the order of the listings but where qualities are the same.
 */
export function groupsOf(candidates: readonly Candidate[], options: GroupOptions): readonly Group[] {
  if (!options.merge) return candidates.map(candidate => groupOf([candidate], guideIdKey(candidate), options))
  const byName = Map.groupBy(candidates, ({ read }) => `${read.region} ${read.key}`)
  return [...byName.values()].flatMap(same => {
    const byGuide = Map.groupBy(same, guideIdKey)
    const without = byGuide.get('') ?? []
    byGuide.delete('')
    // Which of several guides it has nobody knows: it stays by itself.
    if (byGuide.size === 1) for (const candidate of without) [...byGuide.values()][0]!.push(candidate)
    const named = [...byGuide].map(([guideId, members]) => groupOf(members, guideId, options))
    return byGuide.size === 1 || without.length === 0 ? named : [...named, groupOf(without, '', options)]
  })
}

const guideIdKey = ({ listed }: Candidate) => (listed.guideId ?? '').trim().toLowerCase()

function groupOf(candidates: readonly Candidate[], guideId: string, { qualities }: GroupOptions): Group {
  const rank = rankBy(qualities)
  const sorted = candidates.toSorted(
    (a, b) => Number(a.read.isBackup) - Number(b.read.isBackup) || rank(a) - rank(b) || a.place - b.place,
  )
  const { read } = sorted[0]!
  return { identity: JSON.stringify([read.region, read.key, guideId]), candidates: sorted }
}

/** The lower, the earlier; what does not say its quality, or one that is not named, comes in the middle. */
function rankBy(qualities: readonly string[]): (candidate: Candidate) => number {
  const places = new Map(qualities.map((quality, place) => [quality.toUpperCase(), place]))
  const middle = qualities.length / 2 - 0.5
  return ({ listed, read }) => {
    const found = listed.quality.flatMap(quality => places.get(quality.toUpperCase()) ?? [])
    if (found.length > 0) return Math.min(...found)
    return read.isHd ? middle - 0.25 : middle
  }
}
