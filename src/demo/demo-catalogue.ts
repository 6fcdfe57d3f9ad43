import type { Catalogue, Channel, Episode, Movie, Show } from './catalogue.ts'
import { type Clip, containerOf } from './clip.ts'
import { fileMedia, type Media } from './media.ts'
import type { MadeClip } from './media-set.ts'
import * as titles from './titles.ts'

/** When the first title was added: 2024-01-01T00:00:00Z. Each further one came a day later. */
const FIRST_ADDED = 1_704_067_200
const DAY = 86_400

/** The films of titles.ts over the clips that were made for them. */
export function demoCatalogue(made: ReadonlyMap<string, MadeClip>): Catalogue {
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

  const movies = titles.movies.map(({ clip, ...movie }): Movie => ({ ...playable(clip), ...movie }))
  const episodes = titles.shows.flatMap(show =>
    show.episodes.map(({ clip, ...episode }): Episode => ({ ...playable(clip), ...episode, showId: show.id })),
  )
  const shows = titles.shows.map(({ episodes: own, ...show }): Show => {
    const last = episodes.findLast(episode => episode.showId === show.id)!
    return { ...show, addedAt: last.addedAt }
  })
  const channels = titles.channels.map(({ clip, ...channel }, at): Channel => {
    const loop = { media: mediaOf(clip, FIRST_ADDED), seconds: clip.seconds }
    return { ...channel, number: at + 1, addedAt: FIRST_ADDED, loop }
  })
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
