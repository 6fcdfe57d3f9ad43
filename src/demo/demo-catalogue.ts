import type { Catalogue, Channel, Episode, Movie, Show } from './catalogue.ts'
import { type Clip, containerOf } from './clip.ts'
import { wholeFile } from './hls.ts'
import { hlsMovies, hlsShows, rawMovie } from './hls-titles.ts'
import { liveDescriptions } from './live-clips.ts'
import { type HlsDescription, madeHls } from './made-hls.ts'
import { madeLive } from './made-live.ts'
import { fileMedia, type Media } from './media.ts'
import type { MadeClip } from './media-set.ts'
import * as titles from './titles.ts'

/** When the first title was added: 2024-01-01T00:00:00Z. Each further one came a day later. */
const FIRST_ADDED = 1_704_067_200
const DAY = 86_400

export interface DemoCatalogueOptions {
  /** Adds the titles of hls-titles.ts. */
  readonly hls: boolean
}

/** The films of titles.ts over the clips that were made for them. */
export async function demoCatalogue(
  made: ReadonlyMap<string, MadeClip>,
  { hls }: DemoCatalogueOptions,
): Promise<Catalogue> {
  let added = FIRST_ADDED - DAY
  const mediaOf = (clip: Clip, addedAt: number): Media => {
    const { file, bytes, sha256 } = made.get(clip.name)!
    const modifiedAt = new Date(addedAt * 1000)
    return fileMedia(file, { bytes, tag: sha256.slice(0, 24), modifiedAt, container: containerOf(clip) })
  }
  const playable = (clip: Clip) => {
    added += DAY
    return { addedAt: added, durationSeconds: clip.seconds, media: mediaOf(clip, added), extension: containerOf(clip) }
  }
  const streamed = async (description: HlsDescription) => {
    added += DAY
    const addedAt = added
    const hls = await madeHls(description, made, new Date(addedAt * 1000))
    const { segments } = hls.tracks[0]!
    const durationSeconds = segments.reduce((sum, { seconds }) => sum + seconds, 0)
    return { addedAt, durationSeconds, media: wholeFile(hls.tracks[0]!), hls, extension: 'm3u8' }
  }

  const movies = titles.movies.map(({ clip, ...movie }): Movie => ({ ...playable(clip), ...movie, art: true }))
  const episodes = titles.shows.flatMap(show =>
    show.episodes.map(({ clip, ...episode }): Episode => ({ ...playable(clip), ...episode, showId: show.id })),
  )
  if (hls) {
    for (const { hls, ...movie } of hlsMovies) movies.push({ ...(await streamed(hls)), ...movie })
    const { clip, ...raw } = rawMovie
    movies.push({ ...playable(clip), ...raw })
    for (const { id: showId, episodes: own } of hlsShows) {
      for (const { hls, ...episode } of own) episodes.push({ ...(await streamed(hls)), ...episode, showId })
    }
  }
  const shows = [...titles.shows, ...(hls ? hlsShows : [])].map(({ episodes: _, ...show }): Show => {
    const last = episodes.findLast(episode => episode.showId === show.id)!
    return { ...show, addedAt: last.addedAt, art: true }
  })
  const channels = await Promise.all(
    titles.channels.map(async (channel, at): Promise<Channel> => {
      const live = await madeLive(liveDescriptions[channel.id]!, made)
      return { ...channel, number: at + 1, addedAt: FIRST_ADDED, live }
    }),
  )
  const byId = <Item extends { id: number }>(items: readonly Item[]) => new Map(items.map(item => [item.id, item]))
  const [movieById, showById, episodeById, channelById] = [byId(movies), byId(shows), byId(episodes), byId(channels)]
  return {
    categories: titles.categories,
    movies: () => movies,
    movie: id => movieById.get(id),
    shows: () => shows,
    show: id => showById.get(id),
    episodes: show => episodes.filter(episode => episode.showId === show.id),
    episode: id => episodeById.get(id),
    channels: () => channels,
    channel: id => channelById.get(id),
  }
}
