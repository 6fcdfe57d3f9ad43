import type { HlsClip, HlsPicture } from './hls-clip.ts'
import type { LiveDescription } from './made-live.ts'

/** What each of the demo's channels is like: between them, the ways in which providers send television. */

/** A whole number of AAC frames, of the segments, and of groups of pictures: a turn has no seam. */
const SECONDS = 16
export const SEGMENT_SECONDS = 2

/** H.264 and AAC. */
function both(name: string, color: string, tone: number, picture: Partial<HlsPicture> = {}): HlsClip {
  const look = { width: 320, height: 180, framesPerSecond: 25, bitrateKbps: 300, reordered: true }
  return {
    ...{ name: `live-${name}`, layout: 'hls-ts', seconds: SECONDS, segmentSeconds: SEGMENT_SECONDS, loops: true },
    picture: { codec: 'h264', ...look, color, ...picture },
    sound: { codec: 'aac', tone },
  }
}

function pictureOnly(name: string, color: string): HlsClip {
  const { sound: _, ...clip } = both(name, color, 0)
  return clip
}

function soundOnly(name: string, tone: number): HlsClip {
  const { picture: _, ...clip } = both(name, '', tone)
  return clip
}

const fragmented = (clip: HlsClip): HlsClip => ({ ...clip, layout: 'hls-fmp4' })

const clips = {
  news: both('news', '0x3f88c5', 440),
  newsLarge: both('news-large', '0x3f88c5', 440, { width: 640, height: 360, bitrateKbps: 800 }),
  weather: both('weather', '0xd00000', 494),
  lanternSmall: both('lantern-small', '0x136f63', 523, { bitrateKbps: 150 }),
  lanternLarge: both('lantern-large', '0x136f63', 523, { width: 640, height: 360, bitrateKbps: 600 }),
  lanternTwo: fragmented(both('lantern-two', '0x9a8c98', 554)),
  oldFilms: both('old-films', '0x4a4e69', 587),
  port: pictureOnly('port', '0xffba08'),
  portFrench: soundOnly('port-fr', 622),
  portEnglish: soundOnly('port-en', 659),
  tide: both('tide', '0x8d6a9f', 698),
  // Timestamps far from those of the channel, and another size of picture.
  advert: { ...both('advert', '0xff006e', 1047, { width: 480, height: 270 }), startsAt: 40_000 },
  lighthouse: fragmented(pictureOnly('lighthouse', '0xdda448')),
  lighthouseFrench: fragmented(soundOnly('lighthouse-fr', 740)),
  lighthouseEnglish: fragmented(soundOnly('lighthouse-en', 784)),
  ring: both('ring', '0x76b041', 831),
  ringTen: pictureOnly('ring-ten', '0x2e282a'),
  ringTenSound: soundOnly('ring-ten-sound', 880),
} satisfies Record<string, HlsClip>

/** What is sent in the place of a channel that is off the air. */
export const blackClip: HlsClip = both('black', '', 20, { black: true, bitrateKbps: 50 })

const main = (clip: HlsClip, name = 'main') => ({ name, kind: 'main', clip }) as const
const french = { language: 'fr', label: 'Français' } as const
const english = { language: 'en', label: 'English' } as const

/** By the id of the channel. */
export const liveDescriptions: Readonly<Record<number, LiveDescription>> = {
  301: { formats: ['ts', 'm3u8'], tracks: [main(clips.news)] },
  302: { formats: ['ts', 'm3u8'], tracks: [main(clips.newsLarge)], addresses: 'root-relative', hasDates: true },
  303: { formats: ['m3u8'], tracks: [main(clips.weather)], addresses: 'absolute', hasDates: true },
  304: {
    formats: ['m3u8'],
    hasMaster: true,
    // The worse comes first, as in many a playlist.
    tracks: [main(clips.lanternSmall, '180p'), main(clips.lanternLarge, '360p')],
  },
  305: { formats: ['m3u8'], tracks: [main(clips.lanternTwo)], hasDates: true },
  306: { formats: ['m3u8'], tracks: [main(clips.oldFilms)], segmentsPerKey: 4 },
  307: {
    formats: ['m3u8'],
    hasMaster: true,
    tracks: [
      main(clips.port, 'picture'),
      { name: 'sound-fr', kind: 'audio', clip: clips.portFrench, ...french },
      { name: 'sound-en', kind: 'audio', clip: clips.portEnglish, ...english },
    ],
  },
  308: {
    formats: ['m3u8', 'ts'],
    tracks: [{ ...main(clips.tide), advert: clips.advert }],
    hasDates: true,
    advertEvery: 10,
  },
  309: {
    formats: ['m3u8'],
    hasMaster: true,
    addresses: 'protocol-relative',
    tracks: [
      main(clips.lighthouse, 'picture'),
      { name: 'sound-fr', kind: 'audio', clip: clips.lighthouseFrench, ...french },
      { name: 'sound-en', kind: 'audio', clip: clips.lighthouseEnglish, ...english },
    ],
  },
  310: { formats: ['ts'], tracks: [main(clips.ring)], joinsAnywhere: true },
  311: {
    formats: ['m3u8'],
    hasMaster: true,
    tracks: [
      main(clips.ringTen, 'picture'),
      { name: 'sound', kind: 'audio', clip: clips.ringTenSound, isPacked: true, ...english },
    ],
  },
  312: { formats: ['ts', 'm3u8'], tracks: [main(clips.weather)] },
}

/** All that has to be made for the channels, each once. */
export const liveClips: readonly HlsClip[] = [...Object.values(clips), blackClip]
