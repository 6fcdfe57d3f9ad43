const dayMs = 86_400_000

/** Deterministic: the same document each time, but for its days. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const words =
  'night river stone garden winter silent broken golden last hidden house king road summer shadow north café señor Tom &amp; Jerry'.split(
    ' ',
  )
const genres = ['Drama', 'News', 'Sports', 'Documentary', 'Comedy', 'Movie', 'Kids']
const stamp = (time: number) => `${new Date(time).toISOString().slice(0, 19).replace(/[-T:]/g, '')} +0000`
/** What the document calls a channel, but for its `HD`. */
export const nameOf = (channel: number) => `${words[channel % 14]} ${words[(channel * 7) % 13]} ${channel}`

/** Eight days of about 45 programmes, of one to fifteen sentences; a tenth overlaps, or has no stop. */
export function* xmltvText(channels: number, seed: number): Generator<string> {
  const random = randomOf(seed)
  const sentence = () => Array.from({ length: 8 + random(8) }, () => words[random(words.length)]).join(' ')
  yield '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tv SYSTEM "xmltv.dtd">\n<tv generator-info-name="bench">\n'
  for (let channel = 0; channel < channels; channel++) {
    yield `<channel id="ch${channel}.bench"><display-name>${nameOf(channel)} HD</display-name><icon src="https://logos.example/${channel}.png"/></channel>\n`
  }
  const from = Math.floor(Date.now() / dayMs) * dayMs - dayMs / 2
  for (let channel = 0; channel < channels; channel++) {
    for (let start = from; start < from + 8 * dayMs; ) {
      const stop = start + (10 + random(50)) * 60_000
      const said = random(20) === 0 ? '' : ` stop="${stamp(random(20) === 0 ? stop + 600_000 : stop)}"`
      const text = Array.from({ length: 1 + random(7) }, sentence).join('. ')
      const numbers =
        random(2) === 0
          ? `<episode-num system="xmltv_ns">${random(9)}.${random(20)}.</episode-num>`
          : `<episode-num system="onscreen">S0${1 + random(8)}E1${random(9)}</episode-num>`
      yield `<programme start="${stamp(start)}"${said} channel="ch${channel}.bench"><title lang="en">${sentence()}</title><sub-title lang="en">${sentence()}</sub-title><desc lang="en">${text}.</desc><credits><director>${sentence()}</director><actor role="He">A ${words[random(14)]}</actor></credits><date>20${10 + random(15)}</date><category lang="en">${genres[random(7)]}</category><icon src="https://pictures.example/${random(1e6)}.jpg"/>${numbers}<rating system="MPAA"><value>PG</value></rating></programme>\n`
      start = stop
    }
  }
  yield '</tv>\n'
}
