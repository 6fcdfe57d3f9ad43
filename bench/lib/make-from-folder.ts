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
const ports = {
  segments: new HlsFolder([{ playlist: playlist! }]),
  bytes: absent,
  remux: remuxWith(await findTools(), countSamples),
}
const title = { variantId: 1, accountId: 'a', locator: 'film', form: 'hls' } as const
const began = performance.now()
let fetchedAt = began
await makeFile(
  title,
  {
    directory: directory!,
    priority: 'measure',
    signal: new AbortController().signal,
    onProgress({ stage }) {
      if (stage === 'plan' || stage === 'fetch') fetchedAt = performance.now()
    },
  },
  ports,
)
const ended = performance.now()
const figures = {
  seconds: (ended - began) / 1000,
  /** After the last byte had come, give or take half a second of the reports. */
  afterwardsSeconds: (ended - fetchedAt) / 1000,
  peakMegabytes: process.resourceUsage().maxRSS / 1000,
}
process.stdout.write(JSON.stringify(figures))
