import type { Stream } from './findings.ts'
import type { LayoutTrack } from './layout.ts'

/** Of the streams of sound, which is played unless another is chosen: that of a default rendition, or the first. */
export function defaultAudio(
  tracks: readonly LayoutTrack[],
  streams: readonly Pick<Stream, 'kind' | 'track'>[],
): number {
  const isAudio = ({ kind }: Pick<Stream, 'kind'>) => kind === 'audio'
  const preferred = streams.findIndex(stream => isAudio(stream) && stream.track > 0 && tracks[stream.track]!.isDefault)
  return preferred >= 0 ? preferred : streams.findIndex(isAudio)
}
