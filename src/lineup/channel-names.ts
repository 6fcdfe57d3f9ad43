/** Words that say how a stream is sent, not which channel it is. */
const decoration = new Set(
  (
    'hd fhd uhd qhd sd 4k 8k hq lq hevc h264 h265 x264 x265 avc av1 raw vip backup bkup bk alt alternate hdr hdr10 sdr dv ' +
    'dolby 1080p 1080i 720p 576p 480p 2160p 50fps 60fps 25fps fps cdn multi low high ultra main'
  ).split(' '),
)
const backups = /\b(backup|bkup|bk|alt|alternate)\b/i
const hdWords = /\b(hd|fhd|uhd|qhd|4k|8k|1080[pi]|720p|2160p)\b/i
/** `DE: `, `|DE| `, `[DE] `, `DE - `, `DE ▎`: a country or language, or a shelf of the provider's. */
const prefix = /^\s*(?:[[(|]\s*([\p{L}\d]{2,4})\s*[\])|]|([\p{L}\d]{2,4})\s*[:|▎►»•★✦-])\s*/u
/** Small capitals and digits set high, which providers like: ᴴᴰ, ⁴ᵏ, ʳᵃʷ. */
const fancy = /[\u1d00-\u1d6a\u02b0-\u02b8\u00b2\u00b3\u00b9\u2070-\u2094]+/gu
const maxNameChars = 100

/** What a provider's name of a channel says. */
export interface ChannelName {
  /** For people: without prefix, decoration and signs. */
  readonly name: string
  /** Equal for two that are the same channel, in whatever quality. */
  readonly key: string
  /** The prefix, upper case: `DE`; empty where there is none. */
  readonly region: string
  readonly isHd: boolean
  /** To be tried after the others. */
  readonly isBackup: boolean
  /** A line between groups, such as `##### SPORT #####`: no channel. */
  readonly isSeparator: boolean
}

/** Reads a provider's name. Every text gives something: what cannot be read is the name as it is. */
export function readChannelName(text: string): ChannelName {
  const raw = printable(text.normalize('NFKC')).trim()
  const found = prefix.exec(raw)
  const region = (found?.[1] ?? found?.[2] ?? '').toUpperCase()
  const rest = found === null ? raw : raw.slice(found[0].length)
  const words = rest
    .replace(fancy, ' ')
    .replace(/[[({|][^\])}|]{0,20}[\])}|]/g, part => (isDecoration(part) ? ' ' : part))
    .split(/[\s_]+/)
    .filter(word => word !== '' && !decoration.has(bare(word)))
  const name = words.join(' ').replace(/^[\s:|\-•.]+|[\s:|\-•]+$/g, '') || rest || raw
  const plain = bareWords(name).replace(/\bchannel\b/g, ' ')
  return {
    name: name.slice(0, maxNameChars),
    key: plain.replace(/\s+/g, ' ').trim() || bareWords(raw) || raw.toLowerCase(),
    region,
    isHd: hdWords.test(raw),
    isBackup: backups.test(raw),
    isSeparator: /^([^\p{L}\d\s])\1{1,}.*\1{2,}$/u.test(raw) || !/[\p{L}\d]/u.test(raw),
  }
}

/** The text without control characters, which no guide may hold. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

const bare = (word: string) => word.toLowerCase().replace(/[^\p{L}\d+]/gu, '')

const isDecoration = (text: string) =>
  text
    .toLowerCase()
    .split(/[^\p{L}\d+]+/u)
    .every(word => word === '' || decoration.has(word))

/** Lower case, without accents and signs, but with a `+1`, which is another channel. */
function bareWords(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/\(?\+\s*(\d)\s*h?\b\)?/g, ' plus$1 ')
    .replace(/&/g, ' and ')
    .replace(/[^\p{L}\d]+/gu, ' ')
    .trim()
}
