import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type DemoProvider, readAll } from '../../../src/demo/index.ts'
import { freePorts } from '../../lib/crashing.ts'
import { startDemo } from '../../lib/demo.ts'
import { inGuest, withoutKernelClient } from '../../lib/kernel-client.ts'
import { connectNfs, titleFiles } from '../../lib/nfs-client.ts'
import { startServer } from '../../lib/reelport.ts'
import { until } from '../../lib/until.ts'

/**
 * An update, as a supervisor makes it: the server is told to end and started again, again and again, while programs read through a
 * mount of the Linux kernel's. They must notice nothing.
 */

t.setTimeout(300_000)

const films = 30
const restarts = 4
/** So that reading all of it takes longer than all the restarts, as each byte comes from the provider. */
const bytesPerSecond = 1_500_000

t.test(
  'readers notice nothing of a server that is replaced again and again',
  { skip: withoutKernelClient },
  async t => {
    const data = mkdtempSync(join(tmpdir(), 'reelport-restart-'))
    t.teardown(() => rmSync(data, { recursive: true, force: true }))
    const catalogue = { films, shows: 0, episodesPerShow: 0, minBytes: 2_000_000, maxBytes: 4_000_000 }
    await using demo = await startDemo({ catalogue, maxConnections: 4 })
    const [nfsPort, httpPort] = await freePorts()
    const serve = () => startServer(flags(data, nfsPort!, httpPort!), { env: environment(demo) })
    let server = serve()
    t.teardown(() => server[Symbol.asyncDispose]())
    await server.ready
    const sums = await until('every film to be listed', () => sumsOf(demo, nfsPort!))

    demo.faults.answers['*'] = { bytesPerSecond }
    const sumsFile = join(data, 'sums')
    writeFileSync(sumsFile, sums)
    const script = `
set -e
mount -t nfs -o nfsvers=3,proto=tcp,port=${nfsPort},mountport=${nfsPort},nolock,ro,hard 10.0.2.2:/ /mnt
cd /mnt
for reader in 0 1 2; do
  awk "NR % 3 == $reader" /sums | sha256sum -c --quiet && echo "READER-$reader-OK" &
done
wait`
    let over = false
    const reading = inGuest(script, { files: { [sumsFile]: '/sums' } }).finally(() => {
      over = true
    })
    const fetches = () => demo.log.filter(({ target }) => target.startsWith('movie/')).length
    let done = 0
    for (; done < restarts; done++) {
      const before = fetches()
      await until('reading to go on', () => over || fetches() > before + 2, 120_000)
      if (over) break
      server.kill('SIGTERM')
      t.equal(await server.ended, 0, 'the server ends in order')
      t.notMatch(server.stderr(), /"level":"error"|unexpected error/)
      server = serve()
      await server.ready
    }
    t.equal(done, restarts, 'all restarts were while programs read')
    const guest = await reading
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.same(guest.lines.toSorted(), ['READER-0-OK', 'READER-1-OK', 'READER-2-OK'], 'every byte of every film', { guest })
  },
)

/** What sha256sum checks, once all films are listed. */
async function sumsOf(demo: DemoProvider, port: number): Promise<string | undefined> {
  await using nfs = await connectNfs(port)
  const listed = titleFiles(await nfs.walk())
  if (listed.length < films) return undefined
  const lines = listed.map(async ({ path }) => {
    const [, number] = /Synthetic Film (\d+)/.exec(path)!
    const bytes = await readAll(demo.media('movie', 1_000_000 + Number(number)))
    return `${createHash('sha256').update(bytes).digest('hex')}  .${path}\n`
  })
  return (await Promise.all(lines)).join('')
}

function environment(demo: DemoProvider): Record<string, string> {
  const { username, password } = demo.credentials
  return {
    REELPORT_HOSTS: demo.url,
    REELPORT_USERNAME: username.reveal(),
    REELPORT_PASSWORD: password.reveal(),
  }
}

function flags(data: string, nfsPort: number, httpPort: number): readonly string[] {
  const settings = {
    data,
    'nfs-host': '127.0.0.1',
    'nfs-port': nfsPort,
    'nfs-portmap': 'off',
    'http-host': '127.0.0.1',
    'http-port': httpPort,
    'tuner-discovery': 'off',
    'measure-per-second': 1000,
    'cache-reserve': 0,
    'log-format': 'json',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}
