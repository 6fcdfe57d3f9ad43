import { type Link, type Linker, linker, type SourceChannel } from './link.ts'
import type { Pace } from './pace.ts'
import type { GuideChannel, GuideSource } from './ports.ts'
import type { DocumentStore, StoredDocument } from './store.ts'

/** Which channels of ours are in which documents. */
export interface LinkedChannels {
  /** The links of a channel, the best source first. */
  of(channelId: number): readonly Link[]
  /** The channels of a source that ours are linked to. */
  wanted(source: string): readonly { readonly id: number; readonly key: string }[]
}

/** The links, and the linker that made them, which is large and not to be kept. */
export interface Linking {
  readonly links: LinkedChannels
  readonly suggest: Linker['suggest']
}

/** `documents` are by the names of sources, the best first. Dead channels are linked to nothing. */
export async function linkChannels(
  store: DocumentStore,
  documents: ReadonlyMap<GuideSource['name'], StoredDocument>,
  channels: Iterable<GuideChannel>,
  aliases: Readonly<Record<string, string>>,
  pace: Pace,
): Promise<Linking> {
  const sources: { name: string; channels: readonly SourceChannel[] }[] = []
  for (const [name, { id }] of documents) {
    sources.push({ name, channels: store.channels(id) })
    await pace.keep()
  }
  const { link, suggest } = linker(sources, aliases)
  const byChannel = new Map<number, readonly Link[]>()
  for (const channel of channels) {
    if (!channel.isDead) byChannel.set(channel.id, link(channel))
    await pace.keep()
  }
  return { links: linksOf(byChannel), suggest }
}

/** A function of its own, so that what it gives holds on to nothing else. */
function linksOf(byChannel: ReadonlyMap<number, readonly Link[]>): LinkedChannels {
  return {
    of: channelId => byChannel.get(channelId) ?? [],
    wanted(source) {
      const found = new Map<number, string>()
      for (const list of byChannel.values()) {
        for (const link of list) if (link.source === source) found.set(link.channelId, link.key)
      }
      return [...found].map(([id, key]) => ({ id, key }))
    },
  }
}
