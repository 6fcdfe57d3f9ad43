import { textPattern } from '../lib/listing-filter.ts'
import type { Database } from '../lib/sqlite.ts'
import type { Group } from './groups.ts'
import { channelIdOf } from './guide-ids.ts'
import type { Identified, Identities } from './identities.ts'
import type { ChannelPatch, OverrideRow } from './model.ts'
import { readPatch } from './overrides.ts'
import type { ByHand } from './regroup.ts'

export interface AppliedPatches {
  /** By channel id. */
  readonly patches: ReadonlyMap<number, ChannelPatch>
  /** In words: changes that found no channel, or could not be made. */
  readonly problems: readonly string[]
}

/** Changes to single channels: those of the configuration's file, and over them those that people made while it ran. */
export function patchBook(db: Database, rows: readonly OverrideRow[]) {
  const all = db.prepare<[], { id: number; patch: string }>('select id, patch from channel where patch is not null')
  const one = db.prepare<[number], { patch: string | null }>('select patch from channel where id = ?')
  const put = db.prepare<[string | null, number]>('update channel set patch = ? where id = ?')

  return {
    /** Adds to what was changed before; null takes everything back. @throws LineupError. */
    set(channelId: number, value: unknown, ids: Identities): void {
      if (value === null) return void put.run(null, channelId)
      const patch = readPatch(value)
      if (patch.number !== undefined) ids.renumber(channelId, patch.number)
      const before = JSON.parse(one.get(channelId)?.patch ?? '{}') as ChannelPatch
      put.run(JSON.stringify({ ...before, ...patch }), channelId)
    },

    /** What was said of which listings are one channel: before there are channels to apply the rest to. */
    byHand(ids: Identities): ByHand {
      const separate: number[] = []
      const adopt: ByHand['adopt'][number][] = []
      const add = (patch: ChannelPatch, isHome: (group: Group) => boolean) => {
        separate.push(...(patch.separate ?? []))
        const adopted = patch.adopt
        if (adopted !== undefined) adopt.push({ ids: adopted, isHome: group => isHome(withoutAdopted(group, adopted)) })
      }
      const isOf = (channelId: number) => (group: Group) =>
        group.candidates.some(({ listed }) => ids.channelOf(listed.listingId) === channelId)
      for (const { id, patch } of all.all()) add(JSON.parse(patch) as ChannelPatch, isOf(id))
      for (const { match, patch } of rows) {
        if (patch.adopt === undefined && patch.separate === undefined) continue
        const channelId = ids.byNumber(match) ?? channelIdOf(match)
        add(patch, channelId !== undefined && ids.isKnown(channelId) ? isOf(channelId) : calledLike(match))
      }
      return { separate: new Set(separate), adopt }
    },

    apply(identified: readonly Identified[], ids: Identities): AppliedPatches {
      const patches = new Map<number, ChannelPatch>()
      const problems: string[] = []
      const add = (id: number, patch: ChannelPatch) => patches.set(id, { ...patches.get(id), ...patch })
      for (const { match, patch } of rows) {
        const found = matching(match, identified, ids)
        if (found.length === 0) problems.push(`Nothing in the lineup is called ${JSON.stringify(match)}`)
        if (found.length > 1 && patch.number !== undefined) {
          problems.push(
            `${found.length} channels are called ${JSON.stringify(match)}: none gets number ${patch.number}`,
          )
        }
        for (const id of found) {
          add(id, patch)
          if (found.length > 1 || patch.number === undefined || ids.numberOf(id) === patch.number) continue
          try {
            ids.renumber(id, patch.number)
          } catch (error) {
            problems.push((error as Error).message)
          }
        }
      }
      for (const { id, patch } of all.all()) add(id, JSON.parse(patch) as ChannelPatch)
      return { patches, problems }
    },
  }
}

/** What was adopted does not say whose it is. */
const withoutAdopted = (group: Group, adopted: readonly number[]): Group => ({
  ...group,
  candidates: group.candidates.filter(({ listed }) => !adopted.includes(listed.listingId)),
})

/** The channels that a row means: by number, by guide id, else by what the provider calls them. */
function matching(match: string, identified: readonly Identified[], ids: Identities): readonly number[] {
  const byNumber = ids.byNumber(match)
  const channelId = byNumber ?? channelIdOf(match)
  if (identified.some(({ id }) => id === channelId)) return [channelId!]
  if (byNumber !== undefined) return []
  const isCalled = calledLike(match)
  return identified.filter(({ group }) => isCalled(group)).map(({ id }) => id)
}

/** By what the provider calls its channels. */
function calledLike(match: string): (group: Group) => boolean {
  const pattern = textPattern(match)
  return ({ candidates }) => candidates.some(({ listed }) => pattern.test(listed.name))
}
