import { MakingError } from './errors.ts'
import { renditionName } from './local-playlists.ts'
import type { MediaFacts, MediaStream, OutlineTrack, RemuxStream } from './ports.ts'

/** A stream that goes into the file, and which track of the title it comes from. */
export interface ChosenStream extends RemuxStream {
  readonly track: number
}

export interface Choice {
  /** Pictures first, then sound: that of the main track, then the renditions as the playlist has them. */
  readonly streams: readonly ChosenStream[]
  /** What was left out, for people. */
  readonly notes: readonly string[]
}

/**
 * What of an input goes into the file: the first video and every audio stream whose parameters are known. `tracks` are the
 * outline's, or one without a name for a transport stream.
 *
 * @throws MakingError `unplayable` when neither is there.
 */
export function chooseStreams(
  { streams }: Pick<MediaFacts, 'streams'>,
  tracks: readonly Pick<OutlineTrack, 'name' | 'language' | 'isDefault'>[],
): Choice {
  const video = streams.find(stream => stream.type === 'video' && isKnown(stream))
  const audio = streams
    .filter(stream => stream.type === 'audio' && isKnown(stream))
    .map(stream => ({ stream, track: trackOf(stream, tracks.length) }))
    .sort((a, b) => a.track - b.track || a.stream.index - b.stream.index)
  if (video === undefined && audio.length === 0) {
    const found = streams.map(({ type, codec }) => codec ?? type).join(', ')
    throw new MakingError('unplayable', `There is nothing to play: ${found === '' ? 'no streams' : found}`)
  }
  const flagged = audio.findIndex(({ track }) => track > 0 && tracks[track]!.isDefault)
  const sound = audio.map(({ stream, track }, at): ChosenStream => {
    const { name, language = stream.language } = track > 0 ? tracks[track]! : { language: stream.language }
    return {
      track,
      index: stream.index,
      type: 'audio',
      codec: stream.codec!,
      isDefault: at === Math.max(0, flagged),
      ...(language !== undefined && { language }),
      ...(name !== undefined && { name }),
    }
  })
  const pictures: ChosenStream[] = video
    ? [{ track: 0, index: video.index, type: 'video', codec: video.codec!, isDefault: true }]
    : []
  const chosen = [...pictures, ...sound]
  const notes = streams
    .filter(({ index, type }) => type !== 'data' && !chosen.some(stream => stream.index === index))
    .map(({ type, codec }) => `A stream is left out: ${type}, ${codec ?? 'of an unknown kind'}`)
  return { streams: chosen, notes }
}

/** A stream that is announced and never sent has a codec, but no picture or sample rate. */
const isKnown = ({ codec, width, sampleRate }: MediaStream) =>
  codec !== undefined && ((width ?? 0) > 0 || (sampleRate ?? 0) > 0)

function trackOf({ name }: MediaStream, count: number): number {
  for (let track = 1; track < count; track++) if (name === renditionName(track)) return track
  return 0
}
