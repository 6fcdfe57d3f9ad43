import type { Catalogue, Category, TitleKind } from './catalogue.ts'
import { randomNumbers } from './corruption.ts'
import type { CatalogueChanges } from './faults.ts'

/** The catalogue as it is seen through changes that may be set at any time; without them it is the original. */
export function changedCatalogue(original: Catalogue, changes: () => CatalogueChanges | undefined): Catalogue {
  const now = () => changes() ?? {}
  const shift = () => now().renumberBy ?? 0
  const isGone = (name: string) => now().gone?.includes(name) ?? false

  const out = <Item extends { id: number; name?: string }>(item: Item): Item => {
    const { retitle } = now()
    const changed = shift() === 0 ? item : { ...item, id: item.id + shift() }
    return retitle === undefined || item.name === undefined ? changed : { ...changed, name: retitle + item.name }
  }
  function* list<Item extends { id: number; name: string }>(kind: TitleKind, items: Iterable<Item>): Generator<Item> {
    const { empty, shuffle, gone } = now()
    if (empty?.includes(kind)) return
    const ordered = shuffle === undefined ? items : shuffled([...items], shuffle)
    for (const item of ordered) {
      const changed = out(item)
      if (gone === undefined || !isGone(`${kind}/${changed.id}`)) yield changed
    }
  }
  /** What has this id now: an id from before a renumbering has nothing. */
  function find<Item extends { id: number; name?: string }>(
    kind: string,
    id: number,
    by: (id: number) => Item | undefined,
  ): Item | undefined {
    const item = isGone(`${kind}/${id}`) ? undefined : by(id - shift())
    return item && out(item)
  }

  return {
    get categories(): Readonly<Record<TitleKind, readonly Category[]>> {
      return now().empty?.includes('category') ? { movie: [], show: [], channel: [] } : original.categories
    },
    movies: () => list('movie', original.movies()),
    movie: id => find('movie', id, original.movie),
    shows: () => list('show', original.shows()),
    show: id => find('show', id, original.show),
    episodes: show => {
      const episodes = original.episodes({ ...show, id: show.id - shift() })
      const renumbered = episodes.map(episode => ({ ...out(episode), showId: show.id }))
      return renumbered.filter(episode => !isGone(`series/${episode.id}`))
    },
    episode: id => {
      const episode = find('series', id, original.episode)
      return episode && { ...episode, showId: episode.showId + shift() }
    },
    channels: () => list('channel', original.channels()),
    channel: id => find('channel', id, original.channel),
  }
}

/** Fisher and Yates: one order for each seed. */
function shuffled<Item>(items: Item[], seed: number): Item[] {
  const random = randomNumbers(seed)
  for (let at = items.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[items[at], items[other]] = [items[other]!, items[at]!]
  }
  return items
}
