import { filled, type Placed, paved, tidied } from './merge.ts'
import type { Window } from './model.ts'
import { announced, blocks, type Placeholder } from './placeholders.ts'
import type { GuideChannel } from './ports.ts'
import { ProblemCount } from './problems.ts'
import type { ShortGuide } from './short.ts'
import type { DocumentStore } from './store.ts'
import { programmeContent } from './write/programme.ts'
import { element } from './xml-element.ts'

/** Programmes before the window are looked at as well: one without a stop ends where the next one starts. */
export const lookBackMs = 24 * 3_600_000

/** Where a channel's programmes are, in one source. */
export interface ImportedChannel {
  readonly source: string
  readonly importId: number
  readonly channelId: number
}

/** A programme with its place in the guide. */
export type Slot = Placed<{ start: number; stop: number; readonly source: string; readonly content: () => string }>

export const shortSource = 'short'
export const placeholderSource = 'placeholder'

/** What is on, channel by channel. */
export interface Plan {
  /** Programmes in the window, in order of time and without overlaps. `from` by priority. Placeholders are not among them. */
  known(
    channel: GuideChannel,
    from: readonly ImportedChannel[],
    window: Window,
    problems?: ProblemCount,
  ): readonly Slot[]
  /** The same, with what stands in for what nobody knows where nothing was known at all. */
  complete(channel: GuideChannel, known: readonly Slot[], window: Window, now: number): readonly Slot[]
}

export function plan(store: DocumentStore, short: ShortGuide): Plan {
  function ofSource(
    { importId, channelId, source }: ImportedChannel,
    { from, to }: Window,
    shiftMs: number,
    problems: ProblemCount,
  ): readonly Slot[] {
    const found = store.programmes(importId, channelId, from - lookBackMs - shiftMs, to - shiftMs)
    return tidied(found, problems)
      .map(({ id, start, stop }): Slot => {
        return { start: start + shiftMs, stop: stop + shiftMs, source, content: () => store.content(id) }
      })
      .filter(({ stop }) => stop > from)
  }

  function ofShort(channel: GuideChannel, { from, to }: Window, problems: ProblemCount): readonly Slot[] {
    return tidied(short.programmes(channel.id, from, to), problems)
      .map(({ start, stop, content }): Slot => ({ start, stop, source: shortSource, content: () => content }))
      .filter(({ stop }) => stop > from)
  }

  return {
    known(channel, from, window, problems = new ProblemCount()) {
      const shiftMs = channel.shiftMinutes * 60_000
      const merged = from.reduce<readonly Slot[]>(
        (better, source) => filled(better, ofSource(source, window, shiftMs, problems)),
        [],
      )
      return filled(merged, ofShort(channel, window, problems))
    },
    complete(channel, known, window, now) {
      if (known.some(({ source }) => source !== shortSource)) return known
      const standIns = (list: readonly Placeholder[]) => list.map(toSlot)
      const withEvent = paved(known, standIns(announced(channel.name, window, now)))
      return paved(withEvent, standIns(blocks(channel.name, window)))
    },
  }
}

function toSlot({ start, stop, title, isSport }: Placeholder): Slot {
  const children = [element('title', title), ...(isSport ? [element('category', 'Sports')] : [])]
  const programme = element('programme', children)
  return { start, stop, source: placeholderSource, content: () => programmeContent(programme, start)! }
}
