import { openGuide } from '../../src/guide/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { channel, FakeSource, never, noon, xmltv } from './guides.ts'

/** What the crash test and the process that it kills agree on. */
export const crashChannels = [1, 2, 3].map(id => channel(id, `Channel ${id}`))

/** Every programme says of which version of the document it is. */
export function crashDocument(version: number): string {
  const shown = crashChannels.flatMap(({ name }) =>
    Array.from({ length: 150 }, (_, at) => [name, at, at + 1, `Version ${version}`] as const),
  )
  return xmltv(Object.fromEntries(crashChannels.map(({ name }) => [name, name])), shown)
}

if (import.meta.main) {
  const [directory, first] = process.argv.slice(2)
  const source = new FakeSource('epg', 1, '')
  const clock = { now: () => noon, sleep: async () => {} }
  using guide = openGuide(directory!, {}, { sources: [source], clock, log: silentLog })
  guide.setDevices([{ index: 0, channels: crashChannels }])
  for (let version = Number(first); ; version++) {
    source.body = Buffer.from(crashDocument(version))
    await guide.refresh(never)
    process.stdout.write(`${version}\n`)
  }
}
