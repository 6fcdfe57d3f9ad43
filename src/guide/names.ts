/** Words that say how or for whom a channel is sent, not which one it is. */
const noise = new Set(
  (
    'hd uhd fhd qhd sd 4k 8k hq lq hevc h264 h265 x264 x265 hdr raw vip backup cdn alt ' +
    '1080p 1080i 720p 576p 2160p 50fps 60fps tv channel the'
  ).split(' '),
)
/** Words that say where it is seen. Two channels may differ in nothing else, so they are left out only as a last resort. */
const regions = new Set(
  'us usa uk gb ca can canada au nz ie de at ch fr es it nl be pt pl se no dk fi en east west eastern pacific'.split(
    ' ',
  ),
)

/** The same channel in other words has the same key. From the strictest to the loosest; empty ones are left out. */
export function nameKeys(name: string): readonly string[] {
  const words = wordsOf(name)
  const known = words.filter(word => !noise.has(word))
  const anywhere = known.filter(word => !regions.has(word))
  return [words, known, anywhere].map(list => list.join(' '))
}

/** How many keys `nameKeys` gives. */
export const strictnesses = 3

/** Lower case, without accents and signs; `+1` is kept, for it is another channel. */
export function wordsOf(name: string): readonly string[] {
  return name
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/\+\s*(\d{1,2})\s*h?\b/g, ' plus$1')
    .replace(/&/g, ' and ')
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word !== '')
}
