import type { Database } from '../lib/sqlite.ts'
import { LineupError } from './errors.ts'
import { freeNumbers } from './free-numbers.ts'
import type { Group } from './groups.ts'
import { numberAt } from './numbers.ts'

/** A group of listings that has its channel. */
export interface Identified {
  readonly id: number
  readonly group: Group
}

/** Which channel a group of listings is, and under which number. Everything in here is for ever. */
export interface Identities {
  /** Finds each group's channel, or makes it. Numbers go to new ones in the order of `groups`. To be called in a transaction. */
  identify(groups: readonly Group[], wantedNumber: (group: Group) => string | undefined): readonly Identified[]
  numberOf(channelId: number): string
  /** Gives a channel another number. @throws LineupError `taken`. */
  renumber(channelId: number, number: string): void
  /** Whether there is, or was, a channel with this id. */
  isKnown(channelId: number): boolean
  /** The channel that a listing belonged to when the lineup was made last. */
  channelOf(listingId: number): number | undefined
  /** The channel that has this number now. */
  byNumber(number: string): number | undefined
}

export function identities(db: Database): Identities {
  const memberOf = db.prepare<[number], { channelId: number }>(
    'select channel_id as channelId from member where listing_id = ?',
  )
  const putMember = db.prepare<[number, number]>(`
    insert into member (listing_id, channel_id) values (?, ?) on conflict do update set channel_id = excluded.channel_id
    where channel_id is not excluded.channel_id`)
  const known = db.prepare<[string], { id: number }>('select id from channel where identity = ? order by id')
  const identityOf = db.prepare<[number], { identity: string }>('select identity from channel where id = ?')
  const setIdentity = db.prepare<[string, number]>('update channel set identity = ? where id = ?')
  const insert = db.prepare<[string], { id: number }>('insert into channel (identity) values (?) returning id')
  const numberRow = db.prepare<[string], { channelId: number; isCurrent: number }>(
    'select channel_id as channelId, is_current as isCurrent from number where number = ?',
  )
  const current = db.prepare<[number], { number: string }>(
    'select number from number where channel_id = ? and is_current = 1',
  )
  const retire = db.prepare<[number]>('update number set is_current = 0 where channel_id = ? and is_current = 1')
  const putNumber = db.prepare<[string, number]>(`
    insert into number (number, channel_id, is_current) values (?, ?, 1) on conflict do update set is_current = 1`)
  const free = freeNumbers(db)
  let nextIndex: number | undefined

  function freeNumber(): string {
    nextIndex = free.index(nextIndex)
    return numberAt(nextIndex)
  }

  /** The channels that a group's listings belonged to, the one most like it first. */
  function candidatesFor(group: Group): readonly number[] {
    const votes = new Map<number, number>()
    for (const { listed } of group.candidates) {
      const channelId = memberOf.get(listed.listingId)?.channelId
      if (channelId !== undefined) votes.set(channelId, (votes.get(channelId) ?? 0) + 1)
    }
    const isSame = (id: number) => Number(identityOf.get(id)!.identity === group.identity)
    return [...votes].sort(([a, x], [b, y]) => isSame(b) - isSame(a) || y - x || a - b).map(([id]) => id)
  }

  return {
    identify(groups, wantedNumber) {
      const owner = new Map<number, Group>()
      const idOf = new Map<Group, number>()
      const claim = (group: Group, id: number) => {
        owner.set(id, group)
        idOf.set(group, id)
      }
      const wishes = new Map(groups.map(group => [group, candidatesFor(group)]))
      // First those that are certainly what they were, then those that hold a part of it, then those that come back.
      for (const group of groups) {
        const same = wishes.get(group)!.find(id => !owner.has(id) && identityOf.get(id)!.identity === group.identity)
        if (same !== undefined) claim(group, same)
      }
      for (const group of groups) {
        if (idOf.has(group)) continue
        const part = wishes.get(group)!.find(id => !owner.has(id))
        if (part !== undefined) claim(group, part)
      }
      for (const group of groups) {
        if (idOf.has(group)) continue
        const back = known.all(group.identity).find(({ id }) => !owner.has(id))
        if (back !== undefined) claim(group, back.id)
      }
      return groups.map(group => {
        const id = idOf.get(group) ?? insert.get(group.identity)!.id
        setIdentity.run(group.identity, id)
        for (const { listed } of group.candidates) putMember.run(listed.listingId, id)
        if (current.get(id) === undefined) {
          const wanted = wantedNumber(group)
          const number = wanted !== undefined && numberRow.get(wanted) === undefined ? wanted : freeNumber()
          putNumber.run(number, id)
        }
        return { id, group }
      })
    },
    numberOf: channelId => current.get(channelId)!.number,
    renumber(channelId, number) {
      const row = numberRow.get(number)
      if (row !== undefined && row.channelId !== channelId) {
        const how = row.isCurrent === 1 ? 'is' : 'was'
        throw new LineupError(
          'taken',
          `Number ${number} ${how} that of another channel (${row.channelId}), and media servers remember it`,
        )
      }
      retire.run(channelId)
      putNumber.run(number, channelId)
    },
    isKnown: channelId => identityOf.get(channelId) !== undefined,
    channelOf: listingId => memberOf.get(listingId)?.channelId,
    byNumber(number) {
      const row = numberRow.get(number)
      return row?.isCurrent === 1 ? row.channelId : undefined
    },
  }
}
