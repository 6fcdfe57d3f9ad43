import type { Catalogue, Episode, Movie, Show } from './catalogue.ts'
import { computedMedia, type Media } from './media.ts'
import { mkvHead, mp4Head } from './synthetic-head.ts'

/** How much of it there is. Nothing is stored: names, sizes and bytes follow from the ids. */
export interface SyntheticOptions {
  readonly films?: number
  /** Films served as HLS: their playlists are computed, their segments shared ones that ffmpeg made. */
  readonly hlsFilms?: number
  readonly shows?: number
  /** At most 1,000; in seasons of eleven, the first of them specials for every tenth show. */
  readonly episodesPerShow?: number
  /** Sizes lie between these, evenly spread: 700 MB to 4 GB when left out; at least 4 KiB. */
  readonly minBytes?: number
  readonly maxBytes?: number
}

const FIRST_FILM = 1_000_000
const FIRST_SHOW = 1
const FIRST_EPISODE = 10_000_000
const MAX_EPISODES = 1000
const EPISODES_PER_SEASON = 11
const MIN_FILE_BYTES = 4096
/** 2024-01-01T00:00:00Z; each title a minute later than the one before. */
const FIRST_ADDED = 1_704_067_200

/**
 * A catalogue of any size for measuring and scale tests. Every stream is noise behind a valid head; each 4 KiB block of it is
 * stamped with the stream's id and the block's place, so that no byte can be taken for another's.
 */
export function syntheticCatalogue(options: SyntheticOptions): Catalogue {
  const { films = 0, shows = 0, episodesPerShow = 10, minBytes = 700e6, maxBytes = 4e9 } = options
  if (episodesPerShow > MAX_EPISODES) {
    throw new RangeError(`episodesPerShow is ${episodesPerShow}: at most ${MAX_EPISODES} are possible`)
  }
  if (minBytes < MIN_FILE_BYTES || maxBytes < minBytes) {
    throw new RangeError(
      `Sizes from ${minBytes} to ${maxBytes} are not possible: at least ${MIN_FILE_BYTES}, in this order`,
    )
  }
  const mediaOf = (id: number, addedAt: number) => {
    const bytes = minBytes + (mixed(id) % (maxBytes - minBytes + 1))
    return syntheticMedia(id, bytes, new Date(addedAt * 1000))
  }

  const film = (at: number): Movie => {
    const id = FIRST_FILM + at
    const year = 1950 + (mixed(id) % 75)
    const addedAt = FIRST_ADDED + at * 60
    return {
      id,
      name: `EN - Synthetic Film ${padded(at)} (${year})${at % 3 === 0 ? ' [4K]' : ''}`,
      categoryId: 1 + (at % 20),
      addedAt,
      year,
      extension: containerOf(id),
      durationSeconds: 5400,
      get media() {
        return mediaOf(id, addedAt)
      },
    }
  }
  const show = (at: number): Show => ({
    id: FIRST_SHOW + at,
    name: `Synthetic Show ${padded(at)} (${1980 + (at % 45)})`,
    categoryId: 101 + (at % 10),
    addedAt: FIRST_ADDED + at * 60,
    year: 1980 + (at % 45),
    episodesShape: 'by-season',
  })
  const episode = (showAt: number, at: number): Episode => {
    const id = FIRST_EPISODE + showAt * MAX_EPISODES + at
    const addedAt = FIRST_ADDED + showAt * 60
    return {
      id,
      showId: FIRST_SHOW + showAt,
      season: Math.floor(at / EPISODES_PER_SEASON) + (showAt % 10 === 0 ? 0 : 1),
      number: (at % EPISODES_PER_SEASON) + 1,
      title: `Episode ${at + 1}`,
      addedAt,
      extension: containerOf(id),
      durationSeconds: 2700,
      get media() {
        return mediaOf(id, addedAt)
      },
    }
  }
  const within = (at: number, count: number) => Number.isInteger(at) && at >= 0 && at < count
  return {
    categories: {
      movie: numbered(1, 20, 'EN | Films'),
      show: numbered(101, 10, 'EN | Shows'),
      channel: [],
    },
    movies: () => counted(films, film),
    movie: id => (within(id - FIRST_FILM, films) ? film(id - FIRST_FILM) : undefined),
    shows: () => counted(shows, show),
    show: id => (within(id - FIRST_SHOW, shows) ? show(id - FIRST_SHOW) : undefined),
    episodes: ({ id }) => [...counted(episodesPerShow, at => episode(id - FIRST_SHOW, at))],
    episode(id) {
      const showAt = Math.floor((id - FIRST_EPISODE) / MAX_EPISODES)
      const at = (id - FIRST_EPISODE) % MAX_EPISODES
      return within(showAt, shows) && within(at, episodesPerShow) ? episode(showAt, at) : undefined
    },
    channels: () => [],
    channel: () => undefined,
  }
}

export function* counted<Item>(count: number, make: (at: number) => Item): Generator<Item> {
  for (let at = 0; at < count; at++) yield make(at)
}

const numbered = (first: number, count: number, name: string) =>
  Array.from({ length: count }, (_, at) => ({ id: first + at, name: `${name} ${at + 1}` }))
export const padded = (at: number) => String(at).padStart(6, '0')
const containerOf = (id: number) => (id % 2 === 0 ? 'mkv' : 'mp4')

/** A number's own random number of 32 bits (the finaliser of MurmurHash3). */
export function mixed(value: number): number {
  let bits = value ^ 0x9e3779b9
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}

const BLOCK_BYTES = 4096
const STAMP_BYTES = 12
/** A prime number of blocks, so that the noise lies differently in each stretch of a file. */
const NOISE_BYTES = 61 * BLOCK_BYTES
let noise: Buffer | undefined

function syntheticMedia(id: number, bytes: number, modifiedAt: Date): Media {
  const container = containerOf(id)
  const head = container === 'mkv' ? mkvHead(bytes, 5400) : mp4Head(bytes, 5400)
  const tag = `s${id.toString(16)}-${bytes.toString(16)}`
  noise ??= makeNoise()
  const source = noise
  const shift = mixed(id + 1) % NOISE_BYTES
  return computedMedia({ bytes, tag, modifiedAt, container }, (target, start) => {
    for (let at = 0; at < target.length; ) {
      const from = (start + at + shift) % NOISE_BYTES
      at += source.copy(target, at, from)
    }
    const end = start + target.length
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      const at = block * BLOCK_BYTES - start
      if (at >= 0 && at + STAMP_BYTES <= target.length) writeStamp(target, at, id, block)
      else overlay(target, start, writeStamp(Buffer.alloc(STAMP_BYTES), 0, id, block), block * BLOCK_BYTES)
    }
    if (start < head.length) overlay(target, start, head, 0)
  })
}

/** The id, and the block's number in 64 bits. */
function writeStamp(target: Buffer, at: number, id: number, block: number): Buffer {
  target.writeUInt32BE(id, at)
  target.writeUInt32BE(Math.floor(block / 2 ** 32), at + 4)
  target.writeUInt32BE(block >>> 0, at + 8)
  return target
}

/** Writes what of `piece`, which belongs at `at` of the file, lies within the target, which begins at `start`. */
function overlay(target: Buffer, start: number, piece: Buffer, at: number): void {
  const from = Math.max(0, start - at)
  if (from < piece.length) piece.copy(target, Math.max(0, at - start), from)
}

function makeNoise(): Buffer {
  const words = Uint32Array.from({ length: NOISE_BYTES / 4 }, (_, at) => mixed(at))
  return Buffer.from(words.buffer)
}
