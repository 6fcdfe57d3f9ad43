/**
 * A guide at size: `node bench/guide.ts [channels of the document] [channels of the lineup]`. A document of XMLTV of about 200 MB
 * is fetched, read, linked, merged with a smaller gzipped one, and written for one device.
 */
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type GuideChannel, type GuideSource, openGuide } from '../src/guide/index.ts'
import { systemClock } from '../src/lib/clock.ts'
import { silentLog } from '../src/lib/log.ts'
import { note, report } from './lib/figures.ts'

const [documentChannels = 750, lineupChannels = 480] = process.argv.slice(2).map(Number)
const dayMs = 86_400_000
const signal = new AbortController().signal

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
const nameOf = (channel: number) => `${words[channel % 14]} ${words[(channel * 7) % 13]} ${channel}`

/** Eight days of about 45 programmes, of one to fifteen sentences; a tenth overlaps, or has no stop. */
function* documentText(channels: number, seed: number): Generator<string> {
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

const directory = await mkdtemp(join(tmpdir(), 'reelport-bench-'))
const large = join(directory, 'large.xml')
const small = join(directory, 'small.xml.gz')
await pipeline(Readable.from(documentText(documentChannels, 1)), createWriteStream(large))
await pipeline(Readable.from(documentText(100, 2)), createGzip(), createWriteStream(small))
note(
  `${statSync(large).size / 1e6} MB of XMLTV with ${documentChannels} channels, and ${statSync(small).size / 1e6} MB gzipped`,
)

const source = (name: string, priority: number, path: string): GuideSource => ({
  name,
  priority,
  async open() {
    const chunks = createReadStream(path)
    return { chunks, [Symbol.asyncDispose]: async () => void chunks.destroy() }
  },
})
const channels = Array.from({ length: lineupChannels }, (_, at): GuideChannel => {
  const isNamed = at % 2 === 1
  return {
    ...{ id: at, number: String(1000 + at), guideId: `ch${at}.reelport.example`, name: nameOf(at) },
    hints: { ids: isNamed ? [] : [`ch${at}.bench`], names: [] },
    ...{ shiftMinutes: 0, isDead: false, upstreams: [] },
  }
})

async function timed<T>(
  work: () => Promise<T>,
): Promise<{ result: T; seconds: number; processor: number; grownMiB: number; heldMs: number }> {
  globalThis.gc?.()
  const before = process.memoryUsage.rss()
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, 50)
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const start = performance.now()
  const used = process.cpuUsage()
  const result = await work()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(used)
  delay.disable()
  clearInterval(watch)
  return {
    result,
    seconds,
    processor: (user + system) / 1e6,
    grownMiB: (most - before) / 2 ** 20,
    heldMs: delay.max / 1e6,
  }
}

try {
  using guide = openGuide(
    join(directory, 'guide'),
    {},
    { sources: [source('small', 1, small), source('large', 2, large)], clock: systemClock, log: silentLog },
  )
  guide.setDevices([{ index: 0, channels }])
  const first = await timed(() => guide.refresh(signal))
  const written = first.result.channels.reduce((sum, { programmes }) => sum + programmes, 0)
  note(`${written} programmes of ${channels.length} channels, ${guide.latest(0)!.bytes / 1e6} MB written`)
  report({ name: 'guide first refresh', unit: 's', ours: first.seconds, target: { most: 60 } })
  report({ name: 'guide first refresh, processor', unit: 's', ours: first.processor })
  report({ name: 'guide first refresh, memory', unit: 'MiB', ours: first.grownMiB, target: { most: 300 } })
  report({ name: 'guide first refresh, thread held', unit: 'ms', ours: first.heldMs })
  const again = await timed(() => guide.build(signal))
  report({ name: 'guide laid out again', unit: 's', ours: again.seconds })
  const unchanged = await timed(() => guide.refresh(signal))
  report({ name: 'guide refresh, nothing changed', unit: 's', ours: unchanged.seconds })
} finally {
  await rm(directory, { recursive: true })
}
