import { appendFileSync } from 'node:fs'
import { makeFile } from '../../src/making/index.ts'
import { findTools } from '../../src/media/index.ts'
import { countSamples } from '../../src/remux/index.ts'
import { HlsFolder } from './hls-folder.ts'
import { remuxWith } from './making.ts'

/** What the crash test and the process that it kills agree on. */
export const crashTitle = { variantId: 7, accountId: 'a', locator: 'x', form: 'hls' } as const

/** Makes the title of a playlist. Each piece that is read is noted in `log` before it is handed over. */
export async function makeNoting(playlist: string, directory: string, log: string) {
  const segments = new HlsFolder([{ playlist }])
  const { tracks } = segments.outline
  for (const segment of tracks[0]!.segments.keys()) {
    segments.faults.set(`0/${segment}`, bytes => {
      appendFileSync(log, `${segment}\n`)
      return bytes
    })
  }
  const absent = { open: () => Promise.reject(new Error('There is no such source')) }
  const ports = { segments, bytes: absent, remux: remuxWith(await findTools(), countSamples) }
  return makeFile(crashTitle, { directory, priority: 'measure', signal: new AbortController().signal }, ports)
}

if (import.meta.main) {
  process.stdout.write('begun\n')
  const [playlist, directory, log] = process.argv.slice(2)
  await makeNoting(playlist!, directory!, log!)
}
