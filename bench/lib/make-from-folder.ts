/** Makes a finished file from a playlist on the disk, and prints how long that took and its memory: for bench/making.ts. */
import { mkdirSync } from 'node:fs'
import { makeFile } from '../../src/making/index.ts'
import { findTools } from '../../src/media/index.ts'
import { countSamples } from '../../src/remux/index.ts'
import { HlsFolder } from '../../test/lib/hls-folder.ts'
import { remuxWith } from '../../test/lib/making.ts'

const [playlist, directory] = process.argv.slice(2)
mkdirSync(directory!, { recursive: true })
const absent = { open: () => Promise.reject(new Error('There is no such source')) }
const segments = new HlsFolder([{ playlist: playlist! }])
const ports = {
  segments,
  bytes: absent,
  remux: remuxWith(await findTools(), countSamples),
}
const title = { variantId: 1, accountId: 'a', locator: 'film', form: 'hls' } as const
const began = performance.now()
let fetchedAt = began
for (const segment of segments.outline.tracks[0]!.segments.keys()) {
  segments.faults.set(`0/${segment}`, bytes => {
    fetchedAt = performance.now()
    return bytes
  })
}
await makeFile(title, { directory: directory!, priority: 'measure', signal: new AbortController().signal }, ports)
const ended = performance.now()
const figures = {
  seconds: (ended - began) / 1000,
  /** After the last byte had come. */
  afterwardsSeconds: (ended - fetchedAt) / 1000,
  peakMegabytes: process.resourceUsage().maxRSS / 1000,
}
process.stdout.write(JSON.stringify(figures))
