import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  cipherStreet,
  fileOf,
  type HlsFilm,
  longCrossing,
  oneLongShelf,
  slowWeather,
  targetOf,
  tidewaterLane,
  wrongFrames,
} from '../lib/hls-films.ts'
import { connectNfs, type NfsClient, NfsFailure, type Seen } from '../lib/nfs-client.ts'
import { everythingMeasured, type ServedDemo, type ServeOptions, serveDemo } from '../lib/served-demo.ts'
import { until } from '../lib/until.ts'

/** What a reader of an HLS title sees when its upstream fails in the middle: right bytes, a wait, or an error; never others. */

interface Scene {
  readonly served: ServedDemo
  readonly client: NfsClient
}

async function scene(t: Test, options: ServeOptions = {}): Promise<Scene> {
  const served = await serveDemo(t, {
    ...options,
    demo: { hls: true, ...options.demo },
    flags: { 'nfs-hold': '1s', 'streams-lengths-per-second': '1000', ...options.flags },
  })
  const client = await connectNfs(served.app.nfs.port)
  t.teardown(() => client[Symbol.asyncDispose]())
  return { served, client }
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const whole = (client: NfsClient, { handle, attributes }: Seen) => client.read(handle, 0, attributes.size)

/** What the same title is as a file where nothing is wrong: the layout and the segments say it all. */
async function undisturbed(t: Test, film: HlsFilm, options: ServeOptions = {}): Promise<Buffer> {
  const { client } = await scene(t, options)
  return whole(client, await fileOf(film, client))
}

/** Reads on in steps from `from`, to the end or to the first failure. */
async function readOn(client: NfsClient, { handle, attributes }: Seen, from: number, step = 65_536) {
  const parts: Buffer[] = []
  let at = from
  try {
    for (; at < attributes.size; at += step) {
      parts.push(await client.read(handle, at, Math.min(step, attributes.size - at)))
    }
    return { bytes: Buffer.concat(parts), status: 'whole' }
  } catch (error) {
    if (!(error instanceof NfsFailure)) throw error
    return { bytes: Buffer.concat(parts), status: error.status }
  }
}

t.test('an upstream that dies in the middle and comes back: exact bytes, an error, and exact bytes again', async t => {
  const { served, client } = await scene(t)
  const cases = [
    { film: tidewaterLane, fault: { hangUp: true } },
    { film: slowWeather, fault: { status: 503 } },
    { film: cipherStreet, fault: { cutAfter: 5_000 } },
    { film: oneLongShelf, fault: { status: 500 } },
  ]
  const begun = await Promise.all(
    cases.map(async ({ film, fault }) => {
      const seen = await fileOf(film, client)
      const half = Math.floor(seen.attributes.size / 3)
      const before = await client.read(seen.handle, 0, half)
      served.demo.faults.answers![`${targetOf(film)}/*`] = { ...fault, fromSegment: 4 }
      return { film, seen, before, half }
    }),
  )
  const broken = await Promise.all(begun.map(({ seen, half }) => readOn(client, seen, half)))
  t.strictSame(
    broken.map(({ status }) => status),
    cases.map(() => 'IO'),
    'an error, and not an end',
  )
  served.demo.faults.answers = {}
  await Promise.all(
    begun.map(async ({ film, seen, before, half }, at) => {
      const bytes = await until(`${film.name} to be asked for again`, async () => {
        const { status, bytes } = await readOn(client, seen, 0)
        return status === 'whole' && bytes
      })
      t.ok(bytes.subarray(0, half).equals(before), `${film.name}: what was read before`)
      const { bytes: onTheWay } = broken[at]!
      t.ok(bytes.subarray(half, half + onTheWay.length).equals(onTheWay), 'and what was read on the way')
      t.strictSame(await wrongFrames(bytes, served.demo, film), [], 'and all of its source')
    }),
  )
})

t.test('an upstream that is away for a moment is waited for', async t => {
  const { served, client } = await scene(t)
  for (const [film, fault] of [
    [tidewaterLane, { hangUp: true, times: 3 }],
    [slowWeather, { status: 503, times: 3 }],
    [cipherStreet, { cutAfter: 5_000, times: 3 }],
    [oneLongShelf, { stallAfter: 5_000, stallMs: 2_500, times: 1 }],
  ] as const) {
    served.demo.faults.answers = { [`${targetOf(film)}/*`]: { ...fault, fromSegment: 3 } }
    const bytes = await whole(client, await fileOf(film, client))
    t.strictSame(await wrongFrames(bytes, served.demo, film), [], film.name)
  }
  t.ok(served.app.status().nfs.jukeboxAnswers > 0, 'the client was told to ask again')
})

const long = { longTitle: { segments: 24, seconds: 2, kbps: 600 } }

t.test('tokens in addresses that are good for a few requests, or end while one reads, are renewed', async t => {
  const expected = sha256(await undisturbed(t, longCrossing, { demo: long }))
  const answers = { 'movie/*': { tokens: true } }
  const { served, client } = await scene(t, { demo: { ...long, faults: { answers } } })
  const film = await fileOf(longCrossing, client)

  const { size } = film.attributes
  const parts: Buffer[] = []
  for (let at = 0; at < size; at += 400_000) {
    parts.push(await client.read(film.handle, at, Math.min(400_000, size - at)))
    served.demo.expireTokens()
  }
  t.equal(sha256(Buffer.concat(parts)), expected, 'ended in mid-film, again and again')
  t.ok(refusedTokens(served) > 0, 'requests with old tokens were refused')

  for (const film of [tidewaterLane, cipherStreet, oneLongShelf]) {
    served.demo.faults.answers = { 'movie/*': { tokens: true, tokenUses: 5 } }
    served.demo.reset()
    const bytes = await whole(client, await fileOf(film, client))
    t.strictSame(await wrongFrames(bytes, served.demo, film), [], `${film.name}, with five uses`)
    t.ok(refusedTokens(served) > 0, 'which did not suffice')
  }
})

const refusedTokens = ({ demo }: ServedDemo) => demo.log.filter(({ status }) => status === 403).length

for (const [film, version] of [
  [tidewaterLane, 2],
  [longCrossing, 3],
] as const) {
  t.test(
    `another version of ${film.name} while it is played is another file, and never part of the old one`,
    async t => {
      const old = await undisturbed(t, film, { demo: long })
      const { served, client } = await scene(t, { demo: long })
      const seen = await fileOf(film, client)
      const half = Math.floor(seen.attributes.size / 3)
      t.ok((await client.read(seen.handle, 0, half)).equals(old.subarray(0, half)), 'it is played')
      served.demo.faults.answers = { [targetOf(film)]: { version } }

      const { bytes, status } = await readOn(client, seen, half)
      t.ok(bytes.equals(old.subarray(half, half + bytes.length)), 'no byte of the other version is read from this one')
      t.not(status, 'whole', 'which comes to no end')
      const found = await until('the other version to be listed', async () => {
        const now = await fileOf(film, client).catch(() => undefined)
        return now?.attributes.fileid !== seen.attributes.fileid && now
      })
      await everythingMeasured(served.app)
      t.ok(found.attributes.fileid > seen.attributes.fileid, 'as another file')
      const gone = await readOn(client, seen, 0)
      t.ok(
        gone.status !== 'whole' && gone.bytes.equals(old.subarray(0, gone.bytes.length)),
        'the old one is no other now',
      )
      const other = await whole(client, found)
      t.not(sha256(other), sha256(old))
      t.strictSame(await wrongFrames(other, served.demo, film), [], 'the frames of the other version')
    },
  )
}
