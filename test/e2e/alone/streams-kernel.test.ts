import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import t from 'tap'
import { mountCommand } from '../../../src/app/index.ts'
import { asFile, probed } from '../../lib/frames.ts'
import {
  cipherStreet,
  fileOf,
  hlsFilms,
  hlsMovies,
  slowWeather,
  targetOf,
  tidewaterLane,
  wrongFrames,
} from '../../lib/hls-films.ts'
import { inGuest, withoutKernelClient } from '../../lib/kernel-client.ts'
import { connectNfs, type Seen } from '../../lib/nfs-client.ts'
import { findProgram } from '../../lib/programs.ts'
import { type ServedDemo, type ServeOptions, serveDemo } from '../../lib/served-demo.ts'

/** Titles that are composed of HLS segments while they are read, under the Linux kernel's own NFS client. */

/** Where the guest of the virtual machine sees the host's loopback. */
const host = '10.0.2.2'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const serveHls = (t: Parameters<typeof serveDemo>[0], options: ServeOptions = {}) =>
  serveDemo(t, {
    ...options,
    demo: { hls: true, ...options.demo },
    flags: { 'nfs-hold': '1s', 'streams-lengths-per-second': '1000', ...options.flags },
  })

const mountAt = ({ app }: ServedDemo, directory: string) =>
  mountCommand({ host, port: app.nfs.port, path: '/' }, directory)

t.test(
  'looking costs nothing; what was never fetched plays, from its beginning or from anywhere, and is its source',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveHls(t)
    const { app, demo } = served
    await using client = await connectNfs(app.nfs.port)
    const films = await Promise.all(hlsFilms.map(async film => ({ film, seen: await fileOf(film, client) })))
    const movies = films.filter(({ film }) => hlsMovies.includes(film))
    const asked = () =>
      demo.log.filter(({ target }) => films.some(({ film }) => target.startsWith(targetOf(film)))).length
    let askedBeforeFind = -1
    let askedAfterFind = -2
    t.equal(demo.requests('segment').length, 0, 'no segment was fetched before')

    const ffprobe = findProgram('ffprobe')
    const guestProbe = `
for path in ${films.map(({ seen }) => `'/mnt${seen.path}'`).join(' ')}; do
  echo "PROBED $(ffprobe -v error -show_entries format=duration:stream=codec_name -of default=nk=1:nw=1 "$path" | tr '\\n' ' ')$path"
done
`
    const script = `
set -e
${mountAt(served, '/mnt')}
echo FIND-BEGIN
find /mnt -ls >/dev/null
busybox find /mnt -type f -size +0 >/dev/null
echo FIND-END
cd /mnt
sha256sum ${movies.map(({ seen }) => `'.${seen.path}'`).join(' ')}
cd /
while read -r offset length path; do
  echo "PIECE $(tail -c +$((offset + 1)) "/mnt$path" | head -c "$length" | sha256sum | cut -d' ' -f1) $offset $length $path"
done <<'END'
${randomPieces(
  films.map(({ seen }) => seen),
  60,
)}
END
${ffprobe === undefined ? '' : guestProbe}
umount /mnt
echo THE-END
`
    const guest = await inGuest(script, {
      with: ffprobe === undefined ? [] : [ffprobe],
      memoryMiB: 1024,
      onLine(line) {
        if (line === 'FIND-BEGIN') askedBeforeFind = asked()
        if (line === 'FIND-END') askedAfterFind = asked()
      },
    })
    t.ok(guest.status === 0 && guest.lines.includes('THE-END'), 'the script ran to its end', { guest })
    t.equal(askedAfterFind, askedBeforeFind, 'looking at the whole tree asks the provider nothing')

    for (const { film, seen } of films) {
      const bytes = await client.read(seen.handle, 0, seen.attributes.size)
      t.strictSame(await wrongFrames(bytes, demo, film), [], `${film.name}: every frame of its source`)
      const { seconds, streams } = asFile(bytes, probed)
      if (hlsMovies.includes(film)) {
        t.ok(guest.lines.includes(`${sha256(bytes)}  .${seen.path}`), `${film.name}: the kernel read the same bytes`)
      }
      const pieces = guest.lines
        .map(line => /^PIECE (\w+) (\d+) (\d+) (.*)$/.exec(line))
        .filter(piece => piece !== null)
      t.equal(pieces.length, 60, 'every piece was read')
      for (const [, sum, offset, length] of pieces.filter(([, , , , path]) => path === seen.path)) {
        t.equal(sum, sha256(bytes.subarray(Number(offset), Number(offset) + Number(length))), `${length} at ${offset}`)
      }
      if (ffprobe === undefined) continue
      const line = guest.lines.find(line => line.startsWith('PROBED ') && line.endsWith(`/mnt${seen.path}`))
      t.strictSame(
        line?.slice('PROBED '.length, line.indexOf(' /mnt')).split(' '),
        [...streams.map(({ codec }) => codec), seconds.toFixed(6)],
        `${film.name}: ffprobe sees its streams and duration in the mount`,
      )
    }
  },
)

t.test(
  'a reader goes on across a restart of the server without a cache, in the same file',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveHls(t)
    const { port } = served.app.nfs
    const { path, attributes } = await (async () => {
      await using client = await connectNfs(port)
      return await fileOf(tidewaterLane, client)
    })()
    const script = `
set -e
${mountAt(served, '/mnt')}
before=$(stat -c '%i %s %Y' "/mnt$FILE")
exec 3<"/mnt$FILE"
head -c ${Math.floor(attributes.size / 3)} <&3 >/tmp/copy
echo STOP
while nc -w 1 ${host} ${port} </dev/null; do :; done
echo 3 >/proc/sys/vm/drop_caches
echo START
cat <&3 >>/tmp/copy
exec 3<&-
sha256sum </tmp/copy
[ "$(stat -c '%i %s %Y' "/mnt$FILE")" = "$before" ] && echo SAME-FILE
echo "INODE $before"
`
    const steps: Promise<void>[] = []
    const guest = await inGuest(script, {
      env: { FILE: path },
      onLine(line) {
        if (line === 'STOP') steps.push(served.stop())
        if (line !== 'START') return
        rmSync(served.config.cache.directory, { recursive: true, force: true })
        steps.push(served.start())
      },
    })
    await Promise.all(steps)
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.ok(guest.lines.includes('SAME-FILE'), 'inode, size and time are the same', { guest })
    await using client = await connectNfs(port)
    const after = await fileOf(tidewaterLane, client)
    t.ok(guest.lines.some(line => line.startsWith(`INODE ${after.attributes.fileid} ${after.attributes.size} `)))
    const bytes = await client.read(after.handle, 0, after.attributes.size)
    t.ok(guest.lines.includes(`${sha256(bytes)}  -`), 'every byte is that of the file as it is composed now', { guest })
    t.strictSame(await wrongFrames(bytes, served.demo, tidewaterLane), [], 'which are its source’s')
  },
)

t.test(
  'a slow provider is waited for through JUKEBOX; a broken segment is an error and not an end',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveHls(t)
    const { app, demo } = served
    await using client = await connectNfs(app.nfs.port)
    const [late, slow, broken] = await Promise.all(
      [tidewaterLane, slowWeather, cipherStreet].map(film => fileOf(film, client)),
    )
    demo.faults.answers = {
      'movie/121/*': { latencyMs: 2_500, fromSegment: 2 },
      'movie/123/main/*': { bytesPerSecond: 30_000 },
      'movie/124/main/*': { hangUp: true, fromSegment: 3 },
    }
    const script = `
${mountAt(served, '/mnt')} || exit 1
cat "/mnt$BROKEN" >/tmp/broken 2>/tmp/why && echo READ-A-BROKEN-FILE
grep -q 'Input/output error' /tmp/why && echo BROKEN-IS-AN-ERROR
echo "BROKEN $(stat -c %s /tmp/broken) $(sha256sum </tmp/broken)"
echo "LATE $(sha256sum <"/mnt$LATE")"
echo "SLOW $(sha256sum <"/mnt$SLOW")"
`
    const env = { BROKEN: broken!.path, LATE: late!.path, SLOW: slow!.path }
    const guest = await inGuest(script, { env })
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.ok(app.status().nfs.jukeboxAnswers > 0, 'the client was told to ask again')
    t.ok(guest.lines.includes('BROKEN-IS-AN-ERROR'), 'a broken file is an error', { guest })
    t.notOk(guest.lines.includes('READ-A-BROKEN-FILE'))
    demo.faults.answers = {}
    await served.stop()
    await served.start() // which forgets that the broken one was not worth asking for
    await using after = await connectNfs(app.nfs.port)
    const whole = ({ handle, attributes }: Seen) => after.read(handle, 0, attributes.size)
    t.ok(guest.lines.includes(`LATE ${sha256(await whole(late!))}  -`), 'the late one is whole')
    t.ok(guest.lines.includes(`SLOW ${sha256(await whole(slow!))}  -`), 'the slow one is whole')
    const [, bytes, sum] = guest.lines.map(line => /^BROKEN (\d+) (\w+)/.exec(line)).find(line => line !== null)!
    t.equal(sha256((await whole(broken!)).subarray(0, Number(bytes))), sum, 'what came of it was right')
  },
)

/** Random pieces of random files, as lines of offset, length, path; the sequence is the same at every run. */
function randomPieces(files: readonly Seen[], count: number): string {
  let state = 12345
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const lines = Array.from({ length: count }, () => {
    const { path, attributes } = files[random(files.length)]!
    const offset = random(attributes.size)
    const length = Math.min(1 + random(300_000), attributes.size - offset)
    return `${offset} ${length} ${path}`
  })
  return lines.join('\n')
}
