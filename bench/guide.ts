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
import { nameOf, xmltvText } from './lib/xmltv.ts'

const [documentChannels = 750, lineupChannels = 480] = process.argv.slice(2).map(Number)
const signal = new AbortController().signal

const directory = await mkdtemp(join(tmpdir(), 'reelport-bench-'))
const large = join(directory, 'large.xml')
const small = join(directory, 'small.xml.gz')
await pipeline(Readable.from(xmltvText(documentChannels, 1)), createWriteStream(large))
await pipeline(Readable.from(xmltvText(100, 2)), createGzip(), createWriteStream(small))
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
