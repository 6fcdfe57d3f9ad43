import { nameKeys, strictnesses, wordsOf } from './names.ts'
import type { GuideChannel } from './ports.ts'
import { SimilarNames } from './similar.ts'

const maxSuggestions = 3
/** What is less like it than this is no help. */
const leastScore = 0.4

/** A channel of a source. */
export interface SourceChannel {
  readonly id: number
  /** Its id in the source's XMLTV. */
  readonly key: string
  readonly names: readonly string[]
}

export interface LinkSource {
  readonly name: string
  /** The best first. */
  readonly channels: readonly SourceChannel[]
}

/** How a channel of ours was found in a source. */
export type LinkedBy = 'alias' | 'id' | 'name'

export interface Link {
  readonly source: string
  readonly by: LinkedBy
  readonly channelId: number
  readonly key: string
}

export interface LinkSuggestion {
  readonly source: string
  readonly key: string
  readonly name: string
  /** From 0 to 1. */
  readonly score: number
}

/** Finds our channels in the sources. */
export interface Linker {
  /** At most one link for each source, in their order. */
  link(channel: GuideChannel): readonly Link[]
  /** What it may be called there, for people to choose from; the best first. */
  suggest(channel: GuideChannel): readonly LinkSuggestion[]
}

/**
 * What people said goes first (`aliases`: a number, guide id or name of ours, and an id of XMLTV), then ids, as they are written and then
 * in any case, then names: a name that several channels of a source have means none of them.
 */
export function linker(sources: readonly LinkSource[], aliases: Readonly<Record<string, string>>): Linker {
  const byAlias = new Map(Object.entries(aliases).map(([channel, key]) => [aliasKey(channel), key]))
  const indexed = sources.map(({ name, channels }) => ({ name, index: indexOf(channels) }))
  let names: SimilarNames<{ source: string; channel: SourceChannel }> | undefined
  const similar = () => {
    if (names !== undefined) return names
    names = new SimilarNames()
    for (const { name: source, channels } of sources) {
      for (const channel of channels) {
        const item = { source, channel }
        for (const name of channel.names.length > 0 ? channel.names : [channel.key]) names.add(name, item)
      }
    }
    return names
  }

  return {
    link(channel) {
      const alias = [channel.number, channel.guideId, channel.name]
        .map(word => byAlias.get(aliasKey(word)))
        .find(key => key !== undefined)
      return indexed.flatMap(({ name: source, index }): readonly Link[] => {
        const found = linkIn(index, channel, alias)
        return found === undefined ? [] : [{ source, by: found[0], channelId: found[1].id, key: found[1].key }]
      })
    },
    suggest(channel) {
      return similar()
        .find(namesOf(channel), maxSuggestions)
        .filter(({ score }) => score >= leastScore)
        .map(({ item: { source, channel: found }, score }) => {
          return { source, key: found.key, name: found.names[0] ?? found.key, score }
        })
    },
  }
}

const aliasKey = (text: string) => wordsOf(text).join(' ')
const namesOf = ({ name, hints }: GuideChannel) => [...new Set([name, ...hints.names])]

/** For each strictness the channels by name; `null` where several have it. */
interface Index {
  readonly byKey: ReadonlyMap<string, SourceChannel>
  readonly byLowerKey: ReadonlyMap<string, SourceChannel | null>
  readonly byName: readonly ReadonlyMap<string, SourceChannel | null>[]
}

function indexOf(channels: readonly SourceChannel[]): Index {
  const byLowerKey = new Map<string, SourceChannel | null>()
  const byName = Array.from({ length: strictnesses }, () => new Map<string, SourceChannel | null>())
  const note = (map: Map<string, SourceChannel | null>, key: string, channel: SourceChannel) => {
    const other = map.get(key)
    if (other === undefined) map.set(key, channel)
    else if (other !== channel) map.set(key, null)
  }
  for (const channel of channels) {
    note(byLowerKey, channel.key.toLowerCase(), channel)
    for (const name of channel.names) {
      for (const [at, key] of nameKeys(name).entries()) if (key !== '') note(byName[at]!, key, channel)
    }
  }
  return { byKey: new Map(channels.map(channel => [channel.key, channel])), byLowerKey, byName }
}

function linkIn(index: Index, channel: GuideChannel, alias: string | undefined): [LinkedBy, SourceChannel] | undefined {
  const byId = (id: string) => index.byKey.get(id) ?? index.byLowerKey.get(id.toLowerCase())
  const aliased = alias === undefined ? undefined : byId(alias)
  if (aliased) return ['alias', aliased]
  for (const id of channel.hints.ids) {
    const found = byId(id)
    if (found) return ['id', found]
  }
  const keys = namesOf(channel).map(nameKeys)
  for (let at = 0; at < strictnesses; at++) {
    for (const key of keys) {
      const found = index.byName[at]!.get(key[at]!)
      if (found) return ['name', found]
    }
  }
  return undefined
}
