import { type ImportedChannel, type Plan, placeholderSource, type Slot } from './day-plan.ts'
import type { LinkSuggestion } from './link.ts'
import type { LinkedChannels } from './linked-channels.ts'
import type { ChannelReport, Window } from './model.ts'
import type { Pace } from './pace.ts'
import type { GuideChannel, GuideDevice } from './ports.ts'
import type { ProblemCount } from './problems.ts'
import { channelText, guideHead, guideTail, programmeText } from './write/guide-text.ts'

/** What the guide of a device is made of. */
export interface DeviceGuideDeps {
  readonly plan: Plan
  readonly links: LinkedChannels
  /** What channels that were found nowhere may be called. */
  readonly suggest: (channel: GuideChannel) => readonly LinkSuggestion[]
  /** Where a channel's programmes are, the best source first. */
  readonly imported: (channel: GuideChannel) => readonly ImportedChannel[]
  readonly window: Window
  readonly now: number
  readonly placeholders: boolean
  readonly pruneEmpty: boolean
  readonly problems: ProblemCount
  readonly pace: Pace
}

/** The text of a device's guide, in pieces; `report` gets one of each channel. All channels come before all programmes. */
export async function* deviceGuide(
  device: GuideDevice,
  deps: DeviceGuideDeps,
  report: (channel: ChannelReport) => void,
): AsyncGenerator<string> {
  const { plan, imported, window, now, pace } = deps
  const prunedOf = (channel: GuideChannel) => {
    if (channel.isDead) return 'dead'
    return deps.pruneEmpty && plan.known(channel, imported(channel), window).length === 0 ? 'empty' : undefined
  }
  yield guideHead
  const kept: GuideChannel[] = []
  for (const channel of device.channels) {
    const pruned = prunedOf(channel)
    if (pruned === undefined) {
      kept.push(channel)
      yield channelText(channel)
    } else report(reportOf(device, channel, deps, [], pruned))
    await pace.keep()
  }
  for (const channel of kept) {
    const known = plan.known(channel, imported(channel), window, deps.problems)
    const slots = deps.placeholders ? plan.complete(channel, known, window, now) : known
    const textOf = programmeText(channel.guideId)
    for (const { start, stop, content } of slots) {
      yield textOf({ start, stop, content: content() })
      await pace.keep()
    }
    report(reportOf(device, channel, deps, slots))
    await pace.keep()
  }
  yield guideTail
}

function reportOf(
  device: GuideDevice,
  channel: GuideChannel,
  { links, suggest }: DeviceGuideDeps,
  slots: readonly Slot[],
  pruned?: 'dead' | 'empty',
): ChannelReport {
  const { id: channelId, number, guideId, name } = channel
  const found = links.of(channelId)
  const from: Record<string, number> = {}
  for (const { source } of slots) from[source] = (from[source] ?? 0) + 1
  return {
    ...{ channelId, device: device.index, number, guideId, name },
    links: found.map(({ source, by, key }) => ({ source, by, key })),
    programmes: slots.length,
    from,
    until: slots.findLast(({ source }) => source !== placeholderSource)?.stop,
    suggestions: found.length > 0 || channel.isDead ? [] : suggest(channel),
    ...(pruned && { pruned }),
  }
}
