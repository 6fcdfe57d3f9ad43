import { readXmltv, type XmltvSummary } from './read/xmltv.ts'
import type { DocumentStore, NewProgramme, NewSourceChannel } from './store.ts'
import { programmeContent } from './write/programme.ts'

/** Rows that one transaction writes. */
const batchRows = 500
/** Of one document. */
const maxChannels = 200_000
/** A programme without a stop may be on for this long. */
const maxOpenMs = 24 * 3_600_000

/**
 * The channels of a document, each with how many programmes it has: those that are announced, and those that only programmes name.
 *
 * @throws GuideError when it is no XMLTV; the signal's reason.
 */
export async function listChannels(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<{ readonly channels: readonly NewSourceChannel[]; readonly summary: XmltvSummary }> {
  const channels = new Map<string, { names: Set<string>; programmes: number }>()
  const channelOf = (key: string) => {
    const known = channels.get(key)
    if (known !== undefined || channels.size >= maxChannels) return known
    const made = { names: new Set<string>(), programmes: 0 }
    channels.set(key, made)
    return made
  }
  const summary = await readXmltv(
    chunks,
    {
      channel({ key, names }) {
        const channel = channelOf(key)
        for (const name of names) channel?.names.add(name)
      },
      wants(key) {
        const channel = channelOf(key)
        if (channel !== undefined) channel.programmes++
        return false
      },
      programme() {},
    },
    signal,
  )
  const list = [...channels].map(([key, { names, programmes }]) => ({ key, names: [...names], programmes }))
  return { channels: list, summary }
}

/** What is imported of a document: channels by its ids, and what begins before `to` and may last beyond `from`. */
export interface Wanted {
  readonly channelIds: ReadonlyMap<string, number>
  readonly from: number
  readonly to: number
}

/**
 * Imports programmes, each with its content as it will be written.
 *
 * @throws the signal's reason.
 */
export async function importProgrammes(
  chunks: AsyncIterable<Uint8Array>,
  { channelIds, from, to }: Wanted,
  store: DocumentStore,
  importId: number,
  signal: AbortSignal,
): Promise<{ readonly imported: number; readonly untitled: number }> {
  let batch: NewProgramme[] = []
  let imported = 0
  let untitled = 0
  const flush = () => {
    store.import(importId, batch)
    imported += batch.length
    batch = []
  }
  await readXmltv(
    chunks,
    {
      wants: (key, start, stop) => channelIds.has(key) && start < to && (stop ?? start + maxOpenMs) > from,
      programme({ key, start, stop, element }) {
        const content = programmeContent(element, start)
        if (content === undefined) untitled++
        else batch.push({ channelId: channelIds.get(key)!, start, stop, content })
        if (batch.length >= batchRows) flush()
      },
    },
    signal,
  )
  flush()
  return { imported, untitled }
}
