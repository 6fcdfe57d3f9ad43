import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findInstance } from '../../src/app/index.ts'
import type { StreamStatus, TitleStatus } from '../../src/catalog/index.ts'
import { readAll } from '../../src/demo/index.ts'
import { asFile, framesOf, probed } from '../lib/frames.ts'
import { targetOf, tidewaterLane } from '../lib/hls-films.ts'
import { connectNfs, files, type NfsClient, NfsFailure } from '../lib/nfs-client.ts'
import { type ServedDemo, type ServeOptions, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** Titles that the provider serves as HLS or raw MPEG-TS, as an NFS client sees them: files like all others. */

interface Scene {
  readonly served: ServedDemo
  readonly client: NfsClient
  /** The only stream of the film with this name. */
  stream(name: string): Promise<StreamStatus>
  /** All of a published film. */
  read(name: string): Promise<Buffer>
}

/** Of this title and its parts: others may be measured at the same time. */
const requestsFor = (target: string, { demo }: ServedDemo) =>
  demo.log.filter(asked => asked.target === target || asked.target.startsWith(`${target}/`))

async function scene(t: Test, flags: Record<string, string> = {}, options: ServeOptions = {}): Promise<Scene> {
  const demo = { hls: true, ...options.demo }
  const served = await serveDemo(t, {
    ...options,
    demo,
    flags: { 'nfs-hold': '1s', 'streams-lengths-per-second': '1000', ...flags },
  })
  const client = await connectNfs(served.app.nfs.port)
  t.teardown(() => client[Symbol.asyncDispose]())
  const stream = async (name: string) => {
    const answer = await fetch(`${served.app.http.url}/api/titles?${new URLSearchParams({ q: name })}`)
    const [title] = (await answer.json()) as readonly TitleStatus[]
    return title!.streams[0]!
  }
  return {
    served,
    client,
    stream,
    async read(name) {
      const { path } = await stream(name)
      const { handle, attributes } = await client.find(path!)
      return client.read(handle, 0, attributes.size)
    },
  }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** The films, each there for one thing that playlists do. */
const films = {
  'Tidewater Lane': { id: 121, is: 'the best of two variants, with B-frames' },
  'The Cartographer': { id: 122, is: 'separate sound in two languages, and subtitles' },
  'Slow Weather': { id: 123, is: 'fragmented MP4' },
  'Cipher Street': { id: 124, is: 'AES-128 with two keys' },
  'One Long Shelf': { id: 125, is: 'byte ranges of one file' },
  'Before the Feature': { id: 126, is: 'a discontinuity' },
  'Copper Sky': { id: 127, is: 'HEVC and E-AC-3' },
} as const

t.test(
  'playlists are listed with their exact size before any of their bytes are fetched, and play as their sources do',
  async t => {
    const here = await scene(t)
    const { demo } = here.served
    t.equal(demo.requests('segment').length, 0, 'no media byte was downloaded')
    t.ok(demo.requests('length').length > 0)
    const listed = files(await here.client.walk())
    t.equal(demo.requests('segment').length, 0, 'nor was one for looking')

    for (const [name, { id, is }] of Object.entries(films)) {
      const { path, form, size } = await here.stream(name)
      t.equal(form, 'instant', `${is}: ${name}`)
      t.equal(listed.find(file => file.path === path)!.attributes.size, size)
      const bytes = await here.read(name)
      t.equal(bytes.length, size)
      const hls = demo.hls('movie', id)
      const carried = hls.tracks.filter(
        ({ kind, picture }) => kind !== 'subtitles' && !(kind === 'main' && picture?.height === 180 && id === 121),
      )
      asFile(bytes, file => {
        const { streams, seconds, isMonotonic } = probed(file)
        t.ok(isMonotonic, 'timestamps go up')
        const expected = carried[0]!.segments.reduce((sum, segment) => sum + segment.seconds, 0)
        t.ok(Math.abs(seconds - expected) < 0.3, `${seconds} s of ${expected}`)
        const source = (track: number, map: string) => framesOf(carried[track]!.files, map)
        t.strictSame(framesOf(file, '0:v:0'), source(0, '0:v:0'), 'every picture')
        const separate = carried.findIndex(({ kind }) => kind === 'audio')
        const sounds = streams.filter(({ type }) => type === 'audio').length
        if (separate === -1) t.strictSame(framesOf(file, '0:a:0'), source(0, '0:a:0'), 'every sound')
        else {
          t.equal(sounds, carried.length - 1)
          for (let track = separate; track < carried.length; track++) {
            t.strictSame(framesOf(file, `0:a:${track - separate}`), source(track, '0:a:0'), carried[track]!.name)
          }
        }
      })
    }
  },
)

t.test('the same bytes in any order, a second time for nothing, after a restart, and without the cache', async t => {
  const here = await scene(t)
  const { served } = here
  const names = Object.keys(films)
  const sums = new Map<string, string>()
  for (const name of names) {
    const { path, size } = await here.stream(name)
    const { handle } = await here.client.find(path!)
    const pieces: [number, Buffer][] = []
    const step = 100_003
    const offsets = Array.from({ length: Math.ceil(size! / step) }, (_, at) => at * step).sort(
      () => Math.random() - 0.5,
    )
    for (const offset of offsets) {
      pieces.push([offset, await here.client.read(handle, offset, Math.min(step, size! - offset))])
    }
    pieces.sort(([a], [b]) => a - b)
    sums.set(name, sha256(Buffer.concat(pieces.map(([, bytes]) => bytes))))
  }
  const before = served.demo.requests('segment').length
  for (const name of names) t.equal(sha256(await here.read(name)), sums.get(name), name)
  t.equal(served.demo.requests('segment').length, before, 'the second time cost nothing')

  await served.stop()
  rmSync(served.config.cache.directory, { recursive: true, force: true })
  await served.start()
  await using client = await connectNfs(served.app.nfs.port)
  for (const name of names) {
    const { path, size } = await here.stream(name)
    const { handle } = await client.find(path!)
    t.equal(sha256(await client.read(handle, 0, size!)), sums.get(name), `${name}, composed again`)
  }
})

t.test('an instant film that a person queues is brought here as a whole, and nothing about it changes', async t => {
  const here = await scene(t)
  const { served, client } = here
  const { path, variantId, size } = await here.stream('Tidewater Lane')
  const { handle, attributes } = await client.find(path!)
  const some = await client.read(handle, 200_000, 1_000)
  const { note, token } = findInstance(served.config.data)!
  const headers = { authorization: `Bearer ${token.reveal()}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ variantIds: [variantId], where: 'top' })
  const added = await fetch(`${note.httpUrl}/api/queue/add`, { method: 'POST', headers, body })
  t.equal(added.status, 200)
  await until(
    'it to be here',
    () => served.app.status().queue.made === 1 && served.app.status().cache.bytesCached >= size!,
  )
  const asked = () => requestsFor(targetOf(tidewaterLane), served).length
  const before = asked()
  t.ok(before > 0)
  const bytes = await client.read(handle, 0, size!)
  t.equal(asked(), before, 'reading it costs nothing')
  t.ok(bytes.subarray(200_000, 201_000).equals(some))
  t.strictSame(await client.attributes(handle), attributes)
})

t.test('raw MPEG-TS is made into a file, and shows itself in /.partial while it is', async t => {
  const here = await scene(
    t,
    {},
    { demo: { hls: true, faults: { answers: { 'movie/128': { bytesPerSecond: 400_000 } } } } },
  )
  const { client, served } = here
  const seen = await until('the film to be under way', async () => {
    const partial = (await client.walk()).filter(({ path }) => path.startsWith('/.partial/'))
    return partial.find(({ attributes }) => attributes.size > 0)
  })
  t.equal(seen.path, '/.partial/The Unpacked Reel (2015).partial')
  const source = await readAll(served.demo.media('movie', 128))
  const some = Math.min(100_000, Number(seen.attributes.size))
  t.ok((await client.read(seen.handle, 0, some)).equals(Buffer.from(source).subarray(0, some)), 'it can be looked into')
  delete served.demo.faults.answers['movie/128']

  const { path, size, form } = await until('the film to be made', async () => {
    const stream = await here.stream('The Unpacked Reel')
    return stream.state === 'published' && stream
  })
  t.match(path, /\.mp4$/)
  t.equal(form, 'made')
  await until('the directory to go, when nothing is made', () =>
    client.find('/.partial').then(
      () => false,
      () => true,
    ),
  )
  const before = requestsFor('movie/128', served).length
  t.ok(before > 0)
  const bytes = await here.read('The Unpacked Reel')
  t.equal(bytes.length, size)
  t.equal(requestsFor('movie/128', served).length, before, 'reading it costs nothing')
  asFile(
    source,
    original =>
      asFile(bytes, file => {
        t.strictSame(framesOf(file, '0:v:0'), framesOf(original, '0:v:0'))
        t.strictSame(framesOf(file, '0:a:0'), framesOf(original, '0:a:0'))
        t.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'its index is in front')
      }),
    'source.ts',
  )

  const { handle, attributes } = await client.find(path!)
  rmSync(served.config.cache.directory, { recursive: true, force: true })
  await until('the loss of the cache to be noticed', () =>
    existsSync(join(served.config.cache.directory, 'cache.sqlite')),
  )
  t.equal(sha256(await client.read(handle, 0, size!)), sha256(bytes), 'made again for who reads it, byte for byte')
  t.strictSame(await client.attributes(handle), attributes)
})

t.test('with hls: made, playlists are made too, with their subtitles', async t => {
  const here = await scene(t, { 'streams-hls': 'made', 'queue-concurrency': '2', 'queue-per-account': '2' })
  await until('every film to be made', async () => {
    const streams = await Promise.all(Object.keys(films).map(here.stream))
    return streams.every(({ state }) => state === 'published')
  })
  for (const [name, { id }] of Object.entries(films)) {
    const { form } = await here.stream(name)
    t.equal(form, 'made', name)
    const bytes = await here.read(name)
    const [main] = here.served.demo
      .hls('movie', id)
      .tracks.filter(({ picture }) => picture === undefined || picture.height !== 180 || id !== 121)
    asFile(bytes, file => {
      t.ok(probed(file).isMonotonic)
      t.strictSame(framesOf(file, '0:v:0'), framesOf(main!.files, '0:v:0'), 'every picture')
      if (id === 122) {
        const { streams } = probed(file)
        t.equal(streams.filter(({ type }) => type === 'audio').length, 2)
        t.equal(streams.filter(({ type }) => type === 'subtitle').length, 2)
      }
    })
  }
})

t.test('what goes wrong with a playlist has an outcome and a reason each', async t => {
  const here = await scene(t, { 'cache-budget': '64MiB' })
  const { served, client } = here
  const outcome = async (name: string) => {
    try {
      await here.read(name)
      return 'read'
    } catch (error) {
      if (error instanceof NfsFailure) return error.status
      throw error
    }
  }
  const { answers } = served.demo.faults

  answers['movie/124/key/0'] = { status: 404 }
  t.equal(await outcome('Cipher Street'), 'IO', 'a key that is missing')
  answers['movie/123/main/2'] = { instead: 'html' }
  t.equal(await outcome('Slow Weather'), 'IO', 'a segment that is a page')
  answers['movie/125/*'] = { fromSegment: 2, hangUp: true }
  t.equal(await outcome('One Long Shelf'), 'IO', 'an upstream that dies on the way')
  const { lastFailures } = served.app.status().cache
  t.ok(lastFailures.length > 0 && lastFailures.every(({ message }) => message.length > 10), 'with a reason')

  answers['movie/127/main/1'] = { status: 404 }
  t.equal(await outcome('Copper Sky'), 'read', 'a segment that is gone for good is a gap')
  const bytes = await here.read('Copper Sky')
  asFile(bytes, file => {
    const pictures = framesOf(file, '0:v:0').length
    t.ok(pictures > 0 && pictures < 120, `${pictures} of 120 pictures are left`)
  })
  delete answers['movie/127/main/1']
  t.equal(sha256(await here.read('Copper Sky')), sha256(bytes), 'and stays one')

  const { path, size } = await here.stream('Before the Feature')
  const { handle } = await client.find(path!)
  answers['movie/126/*'] = { fromSegment: 0, status: 500, times: 2 }
  t.equal((await client.read(handle, 0, size!)).length, size, 'what passes is waited through')
})

t.test('a server that lies about lengths, or tells none: the title is made instead', async t => {
  const lies = {
    'movie/121/360p/*': { headGrowBy: 4_000 },
    'movie/123/main/*': { noLength: true, noRanges: true },
  }
  const here = await scene(t, {}, { demo: { hls: true, faults: { answers: lies } } })
  t.not((await here.stream('Slow Weather')).form, 'instant')
  for (const name of ['Tidewater Lane', 'Slow Weather']) {
    const { form, streamReason } = await until(
      `${name} to be made`,
      async () => {
        const stream = await here.stream(name)
        if (stream.form === 'instant') await here.read(name).catch(() => {})
        return stream.form === 'made' && stream
      },
      150_000,
    )
    t.equal(form, 'made')
    t.match(streamReason, /made from an HLS playlist/)
    t.ok((await here.read(name)).length > 0)
  }
})
