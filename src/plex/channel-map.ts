import type { ChannelMapping } from './api.ts'
import type { WantedChannel } from './ports.ts'

/** Plex itself does not find every channel in a guide: with less than this share mapped, something is wrong. */
export const minMappedShare = 0.9

/** How a device's channel map is, compared with our lineup. */
export interface MapState {
  /** Channels of ours that are mapped and enabled. */
  readonly mapped: number
  readonly unmapped: readonly WantedChannel[]
  /** Numbers that are mapped to the guide of another channel of ours. */
  readonly wrong: readonly string[]
  /** Numbers that are mapped and are no longer in the lineup. */
  readonly stale: readonly string[]
}

/** Compares a map that Plex has with the lineup. */
export function judgeMap(channels: readonly WantedChannel[], mappings: readonly ChannelMapping[]): MapState {
  const byNumber = new Map(mappings.filter(({ enabled }) => enabled).map(mapping => [mapping.channel, mapping]))
  const numbers = new Set(channels.map(({ number }) => number))
  const guides = guideIds(channels)
  const unmapped = channels.filter(({ number }) => !byNumber.has(number))
  return {
    mapped: channels.length - unmapped.length,
    unmapped,
    wrong: channels.flatMap(({ number, guideId }) => {
      const mapping = byNumber.get(number)
      const actual = mapping && guideIdIn(mapping.channelKey, guides)
      return actual === undefined || actual === guideId ? [] : [number]
    }),
    stale: [...byNumber.keys()].filter(number => !numbers.has(number)),
  }
}

/**
 * The whole map to write: what Plex proposes for the channels of our lineup, all enabled. A channel that it gives the guide of
 * another channel of ours, as it does with ids that look alike, gets its own.
 */
export function completeMap(
  channels: readonly WantedChannel[],
  proposal: readonly ChannelMapping[],
): readonly ChannelMapping[] {
  const byNumber = new Map(proposal.map(mapping => [mapping.channel, mapping]))
  const guides = guideIds(channels)
  return channels.flatMap(({ number, guideId }) => {
    const mapping = byNumber.get(number)
    if (mapping === undefined) return []
    const actual = guideIdIn(mapping.channelKey, guides)
    if (actual === undefined || actual === guideId) return [{ ...mapping, enabled: true }]
    const channelKey = mapping.channelKey.slice(0, -actual.length) + guideId
    return [{ channel: number, channelKey, lineupIdentifier: number, enabled: true }]
  })
}

function guideIds(channels: readonly WantedChannel[]): ReadonlySet<string> {
  return new Set(channels.map(({ guideId }) => guideId))
}

/** Which guide id a channel's key stands for: the id itself, or what is after the last dash. Undefined for keys of another form. */
function guideIdIn(channelKey: string, guides: ReadonlySet<string>): string | undefined {
  return [channelKey, channelKey.slice(channelKey.lastIndexOf('-') + 1)].find(id => guides.has(id))
}
