/** Consonants: no word comes of them, no number, and no two look alike. */
const letters = 'bcdfghjklmnpqrstvwxz'
const length = 5
/** XMLTV wants ids that look like domain names (RFC 2838); tv_validate_file refuses others. */
const suffix = '.tv'
/** As many ids as there are: 3.2 million. */
const count = letters.length ** length
/** The largest that a channel's id may be. */
export const maxChannelId = count - 1
/** Has no factor in common with `count`, so that every id has a place of its own, far from its neighbour's. */
const stride = 1_234_577
const start = 700_001
/** stride * inverse is 1 modulo `count`. */
const inverse = inverseOf(stride, count)

/**
 * A channel's id in our XMLTV. Plex gives a channel the programmes of another one whose id begins like its own, or differs as
 * `1` and `10` do; these have one length, no digits, and those of neighbours have little in common.
 *
 * @throws RangeError for a channel id that is not from 1 to 3,199,999.
 */
export function guideIdOf(channelId: number): string {
  if (!Number.isInteger(channelId) || channelId < 1 || channelId > maxChannelId)
    throw new RangeError(`Cannot name channel ${channelId}: ids go from 1 to ${maxChannelId}`)
  let rest = (channelId * stride + start) % count
  let text = ''
  for (let at = 0; at < length; at++) {
    text += letters[rest % letters.length]
    rest = Math.floor(rest / letters.length)
  }
  return `${text}${suffix}`
}

/** The channel that has this guide id, were there one; undefined for what is no guide id of ours. */
export function channelIdOf(guideId: string): number | undefined {
  const text = guideId.slice(0, length)
  const places = [...text].map(letter => letters.indexOf(letter))
  if (guideId !== `${text}${suffix}` || places.length !== length || places.includes(-1)) return undefined
  const permuted = places.reduceRight((rest, place) => rest * letters.length + place, 0)
  const channelId = ((permuted - start + count) * inverse) % count
  return channelId === 0 ? undefined : channelId
}

/** By Euclid: a number without a factor in common with the modulus has one. */
function inverseOf(value: number, modulus: number): number {
  let [rest, next, factor, nextFactor] = [modulus, value, 0, 1]
  while (next !== 0) {
    const times = Math.floor(rest / next)
    ;[rest, next] = [next, rest - times * next]
    ;[factor, nextFactor] = [nextFactor, factor - times * nextFactor]
  }
  return (factor + modulus) % modulus
}
