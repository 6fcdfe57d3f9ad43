import t from 'tap'
import { inGuest, withoutKernelClient } from '../lib/kernel-client.ts'
import { connectNfs, files, type NfsClient, type Seen } from '../lib/nfs-client.ts'
import { run, without } from '../lib/programs.ts'
import { serveDemo } from '../lib/served-demo.ts'

/** Files beside titles, from the provider's lists to clients of NFS. */

t.setTimeout(180_000)

const isSidecar = ({ path }: Seen) => /\/\.plexmatch$|\.nfo$/.test(path)
const everything = { plexmatch: true, nfo: true }

const textOf = async (client: NfsClient, { handle, attributes }: Seen) =>
  (await client.read(handle, 0, attributes.size)).toString('utf8')

t.test('NFO files and .plexmatch say what the provider says, and cost it nothing', async t => {
  const { app, demo } = await serveDemo(t, { sidecars: everything })
  await using client = await connectNfs(app.nfs.port)
  demo.reset()
  const seen = files(await client.walk())
  const beside = seen.filter(isSidecar)
  const count = (pattern: RegExp) => beside.filter(({ path }) => pattern.test(path)).length
  t.equal(count(/\/movie\.nfo$/), new Set(seen.map(({ path }) => path.split('/').slice(0, 3).join('/'))).size - 2)
  t.equal(count(/\/tvshow\.nfo$/), 2)
  t.equal(count(/\/\.plexmatch$/), 2)
  t.equal(count(/ - s\d\de\d\d.*\.nfo$/), seen.filter(({ path }) => / - s\d\de\d\d.*\.(?:mkv|mp4)$/.test(path)).length)
  const film = await client.find('/Movies/The Last Signal (2021) {tmdb-99000001}/movie.nfo')
  t.match(
    await textOf(client, film),
    /<plot>A relay station at the edge of the network answers a call nobody made\.<\/plot>/,
  )
  const show = await client.find('/TV/The Lighthouse Keepers (2020)/.plexmatch')
  t.equal(await textOf(client, show), 'title: The Lighthouse Keepers\nyear: 2020\n')
  t.same(demo.log, [], 'no request')
})

t.test('the whole server after a restart serves the same files with the same ids', async t => {
  const served = await serveDemo(t, { sidecars: everything })
  const listed = async () => {
    await using client = await connectNfs(served.app.nfs.port)
    const all: string[] = []
    for (const seen of files(await client.walk()).filter(isSidecar)) {
      all.push([seen.path, seen.attributes.fileid, seen.attributes.size, await textOf(client, seen)].join('\n'))
    }
    return all
  }
  const before = await listed()
  await served.stop()
  await served.start()
  await served.app.sync()
  t.same(await listed(), before)
})

t.test('libnfs reads well-formed XML of the listed size', { skip: without('nfs-cat', 'xmllint') }, async t => {
  const { app } = await serveDemo(t, { sidecars: everything })
  await using client = await connectNfs(app.nfs.port)
  const url = (path: string) => `nfs://127.0.0.1${path}?version=3&nfsport=${app.nfs.port}&mountport=${app.nfs.port}`
  const nfos = files(await client.walk()).filter(({ path }) => path.endsWith('.nfo'))
  t.ok(nfos.length > 15, `${nfos.length} NFO files`)
  for (const { path, attributes } of nfos) {
    const { stdout, stderr } = await run('nfs-cat', [url(path)])
    t.equal(Buffer.byteLength(stdout), attributes.size, path)
    const { status, stderr: problem } = await run('xmllint', ['--nonet', '--noout', '-'], { input: stdout })
    t.equal(status, 0, `${path}: ${stderr}${problem}`)
  }
})

t.test('the Linux kernel reads them, hidden name and all', { skip: withoutKernelClient }, async t => {
  const { app } = await serveDemo(t, { sidecars: everything })
  const options = `nfsvers=3,proto=tcp,port=${app.nfs.port},mountport=${app.nfs.port},nolock,ro`
  const { lines } = await inGuest(`
mkdir -p /tree && mount -t nfs -o ${options} 10.0.2.2:/ /tree
cat '/tree/TV/The Lighthouse Keepers (2020)/.plexmatch'
find /tree -name '*.nfo' -size +0 | wc -l
find /tree -name '*.nfo' -exec tail -n 1 {} \\; | sort | uniq -c
`)
  const output = lines.join('\n')
  t.match(output, /title: The Lighthouse Keepers\r?\nyear: 2020/)
  t.match(output, /<\/movie>/)
  t.match(output, /<\/tvshow>/)
  t.match(output, /<\/episodedetails>/)
})
