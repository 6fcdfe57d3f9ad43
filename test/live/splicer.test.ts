import { execFileSync, spawnSync } from 'node:child_process'
import t from 'tap'
import { type Entry, type Output, Splicer } from '../../src/live/splicer.ts'
import { type ClipOptions, liveClip } from '../lib/live-clips.ts'
import { without } from '../lib/programs.ts'
import { checkTs } from '../lib/ts-check.ts'

class Collected implements Output {
  readonly parts: Buffer[] = []
  readonly entries: { position: number; entry: Entry }[] = []
  #room = new Uint8Array(0)
  #end = 0

  reserve(bytes: number): Uint8Array {
    this.#room = new Uint8Array(bytes)
    return this.#room
  }

  commit(bytes: number, entries: readonly Entry[]): void {
    this.parts.push(Buffer.from(this.#room.subarray(0, bytes)))
    for (const entry of entries) this.entries.push({ position: this.#end + entry.at, entry })
    this.#end += bytes
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts)
  }
}

/** Pushes everything, cut into pieces of odd lengths. */
function push(splicer: Splicer, bytes: Uint8Array, step = 1013): void {
  for (let at = 0; at < bytes.length; at += step) splicer.push(bytes.subarray(at, at + step))
}

/** What ffmpeg complains about when it copies and when it decodes. */
function complaints(bytes: Buffer): string {
  const copy = spawnSync('ffmpeg', ['-v', 'warning', '-i', 'pipe:0', '-c', 'copy', '-f', 'null', '-'], { input: bytes })
  const decode = spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'null', '-'], {
    input: bytes,
    maxBuffer: 1 << 28,
  })
  return `${copy.stderr}${decode.stderr}`
}

const skip = without('ffmpeg')

t.test('without a break every packet goes through as it is', { skip }, async t => {
  const clip = liveClip({ name: 'a' })
  for (const step of [1, 187, 188, 189, 4096, clip.length]) {
    const out = new Collected()
    push(new Splicer(out), clip, step)
    t.ok(out.bytes.equals(clip), `in pieces of ${step}`)
    t.equal(out.entries.length, 6, 'a place to begin each second')
  }
})

t.test('what is no packet is left out, wherever it is', { skip }, async t => {
  const clip = liveClip({ name: 'a' })
  const out = new Collected()
  const splicer = new Splicer(out)
  push(
    splicer,
    Buffer.concat([
      Buffer.from('junk in front G'),
      clip.subarray(0, 188 * 100),
      Buffer.alloc(333, 0x20),
      clip.subarray(188 * 100),
    ]),
  )
  t.ok(out.bytes.equals(clip))
  t.equal(splicer.stats().lostBytes, 15 + 333)
})

const pairs: readonly (readonly [string, ClipOptions, ClipOptions])[] = [
  ['the same kind from elsewhere', { name: 'a' }, { name: 'b', startsAt: 5000, tone: 880 }],
  ['times that go back', { name: 'a', startsAt: 5000 }, { name: 'b', startsAt: 1, tone: 880 }],
  ['other PIDs', { name: 'a' }, { name: 'c', startsAt: 77, pidFrom: 700, tone: 660 }],
  ['another size of picture', { name: 'a' }, { name: 'd', size: '640x360', startsAt: 12 }],
  [
    'times around the end of what they can count',
    { name: 'a', startsAt: 95_440 },
    { name: 'b', startsAt: 3, tone: 880 },
  ],
]

for (const [what, first, second] of pairs) {
  t.test(`behind a break the stream goes on: ${what}`, { skip }, async t => {
    const out = new Collected()
    const splicer = new Splicer(out)
    const [a, b] = [liveClip(first), liveClip(second)]
    push(splicer, a.subarray(0, Math.floor(a.length * 0.61)))
    splicer.breakHere()
    push(splicer, b)
    const report = checkTs(out.bytes, 1)
    t.strictSame(report.errors, [])
    t.strictSame(report.pids, checkTs(a).pids, 'the PIDs are the same')
    t.ok(
      [...report.seconds.values()].every(seconds => seconds > 8),
      `${[...report.seconds.values()]}`,
    )
    t.ok(report.discontinuities > 0, 'and says that something is different')
    const noise = complaints(out.bytes).replace(
      /^.*(corrupt|concealing|error while decoding|Packet corrupt).*\n/gim,
      '',
    )
    t.notMatch(noise, /Non-monotonous|continuity|Invalid timestamps|DTS/i)
  })
}

t.test('other kinds of streams are told by another program map', { skip }, async t => {
  const out = new Collected()
  const splicer = new Splicer(out)
  push(splicer, liveClip({ name: 'a' }))
  splicer.breakHere()
  push(splicer, liveClip({ name: 'm', codec: 'mpeg2', sound: 'mp2', startsAt: 900 }))
  t.strictSame(checkTs(out.bytes, 1).errors, [])
  const probed = JSON.parse(
    execFileSync(
      'ffprobe',
      ['-v', 'error', '-show_entries', 'packet=codec_type,pts_time,stream_index', '-of', 'json', '-i', 'pipe:0'],
      {
        input: out.bytes,
        maxBuffer: 1 << 28,
      },
    ).toString(),
  ) as { packets: { codec_type: string }[] }
  t.ok(
    probed.packets.filter(({ codec_type }) => codec_type === 'video').length > 280,
    'ffprobe finds the pictures of both',
  )
})

t.test('a clip that is played over and over has times that go on, without being told', { skip }, async t => {
  const clip = liveClip({ name: 'a' })
  const out = new Collected()
  const splicer = new Splicer(out)
  for (let turn = 0; turn < 5; turn++) push(splicer, clip)
  const report = checkTs(out.bytes, 1)
  t.strictSame(report.errors, [])
  t.ok(
    [...report.seconds.values()].every(seconds => seconds > 29),
    `${[...report.seconds.values()]}`,
  )
})

t.test('wherever an upstream dies, what follows decodes', { skip }, async t => {
  const [a, b] = [liveClip({ name: 'a' }), liveClip({ name: 'b', startsAt: 5000, tone: 880 })]
  let seed = 3
  for (let round = 0; round < 60; round++) {
    seed = (seed * 48_271) % 2_147_483_647
    const out = new Collected()
    const splicer = new Splicer(out)
    push(splicer, a.subarray(0, seed % a.length))
    splicer.breakHere()
    push(splicer, b.subarray(seed % 100_000), 1 + (seed % 5000))
    const { errors } = checkTs(out.bytes, 2)
    if (errors.length > 0) t.fail(`cut at ${seed % a.length}: ${errors[0]}`)
  }
  t.pass('60 places')
})

t.test('an upstream that goes on with something else, without a word, is a stream that goes on', { skip }, async t => {
  const a = liveClip({ name: 'a' })
  const others = [liveClip({ name: 'b', startsAt: 5000, tone: 880 }), liveClip({ name: 'b', startsAt: 1, tone: 880 })]
  let seed = 11
  for (let round = 0; round < 60; round++) {
    seed = (seed * 48_271) % 2_147_483_647
    const b = others[round % 2]!
    const packetOf = (bytes: Buffer, at: number) => 188 * Math.floor((at % (bytes.length * 0.6)) / 188)
    const [from, to] = [packetOf(a, seed % a.length) + 188 * 400, packetOf(b, (seed >> 3) % b.length)]
    const out = new Collected()
    push(new Splicer(out), Buffer.concat([a.subarray(0, from), b.subarray(to)]), 1 + (seed % 70_000))
    const { errors, pids } = checkTs(out.bytes, 5)
    if (errors.length > 0) t.fail(`cut at ${from}, goes on at ${to}: ${errors.slice(0, 3).join('; ')}`)
    // What is behind the place is there.
    if (pids.size !== checkTs(a).pids.size || out.bytes.length < a.length * 0.5)
      t.fail(`cut at ${from}: it is not all there`)
  }
  t.pass('60 places')
})

t.test('a stream that has no place to begin is begun anyway', { skip }, async t => {
  const endless = liveClip({ name: 'endless', seconds: 40, kbps: 100, startsAt: 500 })
  // A key frame every second, of which none says so or looks like one any more: sound only.
  const sound = Buffer.concat(
    Array.from({ length: endless.length / 188 }, (_, n) => endless.subarray(n * 188, n * 188 + 188)).filter(
      packet => (((packet[1]! & 0x1f) << 8) | packet[2]!) !== 256,
    ),
  )
  const out = new Collected()
  const splicer = new Splicer(out)
  push(splicer, liveClip({ name: 'a' }))
  const before = out.bytes.length
  splicer.breakHere()
  push(splicer, sound)
  t.ok(out.bytes.length > before + sound.length * 0.5, 'what is there is heard')
  t.strictSame(checkTs(out.bytes).errors, [])
})

t.test('packets that are missing leave counters that go on, and one that comes twice may', { skip }, async t => {
  const clip = liveClip({ name: 'a' })
  const lost = [700, 701, 702, 1200, 1350]
  const packets = Array.from({ length: clip.length / 188 }, (_, n) => clip.subarray(n * 188, n * 188 + 188))
  const out = new Collected()
  const splicer = new Splicer(out)
  push(splicer, Buffer.concat(packets.filter((_, n) => !lost.includes(n))))
  t.strictSame(checkTs(out.bytes).errors, [])
  t.ok(splicer.stats().gaps >= 3, `${splicer.stats().gaps} gaps`)
  t.equal(splicer.stats().breaks, 0)

  const twice = new Collected()
  const video = packets.findIndex((packet, n) => n > 500 && (packet[1]! & 0x1f) === 1 && packet[2] === 0)
  const doubled = Buffer.concat(packets.flatMap((packet, n) => (n === video ? [packet, packet] : [packet])))
  push(new Splicer(twice), doubled)
  t.ok(twice.bytes.equals(doubled))
})

t.test(
  'at each place to begin, a decoder that begins there with its tables sees a whole picture first',
  { skip },
  async t => {
    const out = new Collected()
    push(new Splicer(out), liveClip({ name: 'a' }))
    for (const { position, entry } of out.entries) {
      const bytes = Buffer.concat([entry.tables, out.bytes.subarray(position)])
      t.strictSame(checkTs(bytes).errors, [])
      const { stderr, stdout } = spawnSync(
        'ffmpeg',
        ['-v', 'error', '-i', 'pipe:0', '-frames:v', '1', '-f', 'framemd5', '-map', '0:v', '-'],
        { input: bytes },
      )
      t.equal(stderr.toString(), '')
      t.match(stdout.toString(), /^0, +0,/m)
    }
  },
)
