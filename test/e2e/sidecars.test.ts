import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inGuest, withoutKernelClient } from '../lib/kernel-client.ts'
import { connectNfs, files, type NfsClient, type Seen } from '../lib/nfs-client.ts'
import { run, without } from '../lib/programs.ts'
import { type ServedDemo, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** Files beside titles, from the provider's lists to clients of NFS. */

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

/** Every picture and every file of subtitles that the provider names, by the path at which it belongs. */
const fetched: Readonly<Record<string, string>> = {
  '/Movies/The Last Signal (2021) {tmdb-99000001}/poster.jpg': 'movie-101-poster.jpg',
  '/Movies/The Last Signal (2021) {tmdb-99000001}/fanart.jpg': 'movie-101-backdrop.jpg',
  '/Movies/Le Phare (2019)/poster.jpg': 'movie-104-poster.jpg',
  '/Movies/Le Phare (2019)/Le Phare (2019).en.srt': 'movie-104-en.srt',
  '/Movies/Le Phare (2019)/Le Phare (2019).fr.srt': 'movie-104-fr.srt',
  '/TV/The Lighthouse Keepers (2020)/poster.jpg': 'show-201-poster.jpg',
  '/TV/The Lighthouse Keepers (2020)/fanart.jpg': 'show-201-backdrop.jpg',
  '/TV/The Lighthouse Keepers (2020)/season02-poster.jpg': 'show-201-season2-poster.jpg',
  '/TV/The Lighthouse Keepers (2020)/Season 02/Season02.jpg': 'show-201-season2-poster.jpg',
  '/TV/The Lighthouse Keepers (2020)/season-specials-poster.jpg': 'show-201-season0-poster.jpg',
}
/** A poster and a backdrop of 8 films and 2 shows, a poster in two places for each of 6 seasons, and subtitles in two languages. */
const expected = 2 * 10 + 2 * 6 + 2

const isFetched = ({ path }: Seen) => /\.(?:jpg|srt)$/.test(path)

/** The server, with everything fetched, and a client. */
async function withPictures(t: Parameters<typeof serveDemo>[0]) {
  const flags = { 'sidecars-per-second': '1000' }
  const served = await serveDemo(t, { sidecars: { artwork: true, subtitles: true }, flags })
  await allFetched(served)
  return served
}

async function allFetched({ app }: ServedDemo): Promise<void> {
  await using client = await connectNfs(app.nfs.port)
  await until('every picture to be there', async () => {
    return files(await client.walk()).filter(isFetched).length === expected
  })
}

t.test('pictures and subtitles appear when their bytes are here, and are read without a request', async t => {
  const { app, demo } = await withPictures(t)
  await using client = await connectNfs(app.nfs.port)
  t.match(app.status().sidecars, { files: 10 * 2 + 6 + 2, fetching: { failed: 0 } })
  demo.reset()
  for (const [path, name] of Object.entries(fetched)) {
    const { handle, attributes } = await client.find(path)
    const bytes = demo.extra(name)
    t.equal(attributes.size, bytes.length, path)
    t.ok((await client.read(handle, 0, bytes.length)).equals(bytes), path)
    t.ok((await client.read(handle, 10, 20)).equals(bytes.subarray(10, 30)), 'a piece of it')
  }
  t.same(demo.log, [], 'no request')
})

t.test('real decoders open the pictures', { skip: without('ffprobe', 'nfs-cat') }, async t => {
  const { app } = await withPictures(t)
  const dir = t.testdir()
  const url = (path: string) => `nfs://127.0.0.1${path}?version=3&nfsport=${app.nfs.port}&mountport=${app.nfs.port}`
  for (const [name, size] of [
    ['poster.jpg', '400,600'],
    ['fanart.jpg', '1280,720'],
  ]) {
    const copy = join(dir, name!)
    const { stdout } = await run('nfs-cat', [url(`/TV/The Lighthouse Keepers (2020)/${name}`)], { binary: true })
    writeFileSync(copy, Buffer.from(stdout, 'latin1'))
    const entries = ['-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0']
    const probed = await run('ffprobe', ['-v', 'error', ...entries, copy])
    t.equal(probed.stdout.trim(), `mjpeg,${size}`, probed.stderr)
  }
})

t.test('a cache that is deleted under the server is fetched again: the same bytes, or another file', async t => {
  const served = await withPictures(t)
  const { app, demo, config } = served
  await using client = await connectNfs(app.nfs.port)
  const same = await client.find('/TV/The Lighthouse Keepers (2020)/poster.jpg')
  const other = await client.find('/TV/The Lighthouse Keepers (2020)/fanart.jpg')
  rmSync(join(config.cache.directory, 'sidecars'), { recursive: true })
  demo.faults.answers['extras/show-201-backdrop.jpg'] = { revision: 1 }
  demo.reset()

  const bytes = demo.extra('show-201-poster.jpg')
  t.ok((await client.read(same.handle, 0, bytes.length)).equals(bytes))
  t.equal((await client.find(same.path)).attributes.fileid, same.attributes.fileid, 'the same file')
  t.equal(demo.requests('extras/show-201-poster.jpg').length, 1)

  await t.rejects(client.read(other.handle, 0, other.attributes.size), 'never another picture under its handle')
  // It goes, and the other one comes later.
  const replaced = await until('other bytes to be another file', async () => {
    const now = (await client.walk()).find(({ path }) => path === other.path)
    return now?.attributes.fileid !== other.attributes.fileid && now
  })
  const changed = demo.extra('show-201-backdrop.jpg')
  t.ok((await client.read(replaced.handle, 0, changed.length)).equals(changed))
})

t.test('what is no picture, is gone, or comes in part never becomes a file', async t => {
  const demo = {
    faults: {
      answers: {
        'extras/movie-101-poster.jpg': { instead: 'html' as const },
        'extras/movie-104-poster.jpg': { status: 404 },
        'extras/movie-105-poster.jpg': { cutAfter: 1_000 },
        'extras/movie-106-poster.jpg': { instead: 'empty-object' as const },
      },
    },
  }
  const flags = { 'sidecars-per-second': '1000' }
  const served = await serveDemo(t, { demo, flags, sidecars: { artwork: true } })
  await using client = await connectNfs(served.app.nfs.port)
  await until('everything else to be there', async () => {
    return files(await client.walk()).filter(isFetched).length === expected - 2 - 4
  })
  const posters = files(await client.walk()).filter(({ path }) => /^\/Movies.*poster/.test(path))
  t.equal(posters.length, 4)
  for (const { path } of posters) t.notMatch(path, /Last Signal|Phare|Ночной|Harbour/)
})

t.test('beyond the budget none are fetched', async t => {
  const flags = { 'sidecars-per-second': '1000', 'sidecars-budget': '0' }
  const { app, demo } = await serveDemo(t, { sidecars: { artwork: true, subtitles: true }, flags })
  await withPictures(t) // all of them are fetched by a server that was started later
  t.match(app.status().sidecars, { files: 0, bytes: 0, fetching: { failed: 0 } })
  t.same(
    demo.log.filter(({ target }) => target.startsWith('extras/')),
    [],
    'nothing was asked for',
  )
})
