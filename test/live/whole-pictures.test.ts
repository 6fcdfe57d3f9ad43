import { spawnSync } from 'node:child_process'
import t from 'tap'
import { corrupted } from '../../src/demo/corruption.ts'
import { WholePictures } from '../../src/live/whole-pictures.ts'
import { type ClipOptions, liveClip } from '../lib/live-clips.ts'
import { without } from '../lib/programs.ts'
import { checkTs } from '../lib/ts-check.ts'

const skip = without('ffmpeg')

function wholeOf(bytes: Uint8Array, step = 1013): Buffer {
  const pictures = new WholePictures()
  const kept: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += step) kept.push(pictures.push(bytes.subarray(at, at + step)))
  return Buffer.concat(kept)
}

/** What ffmpeg makes of the pictures, each by its bytes, and what it says meanwhile. */
function decoded(bytes: Buffer): { readonly pictures: readonly string[]; readonly errors: string } {
  const args = ['-v', 'error', '-f', 'mpegts', '-i', 'pipe:0', '-map', '0:v', '-f', 'framemd5', '-']
  const { stdout, stderr } = spawnSync('ffmpeg', args, { input: bytes, maxBuffer: 1 << 28, encoding: 'buffer' })
  const lines = stdout.toString().split('\n')
  const pictures = lines.filter(line => line.startsWith('0,')).map(line => line.split(',').at(-1)!.trim())
  return { pictures, errors: stderr.toString() }
}

const clips: readonly ClipOptions[] = [
  { name: 'a' },
  { name: 'hevc', codec: 'hevc' },
  { name: 'mpeg2', codec: 'mpeg2', sound: 'mp2' },
]

/** All pictures of a clip but the one that is sent last: which is shown as one of the last three, whatever the order. */
function allButTheLast(t: import('tap').Test, bytes: Buffer, clip: Buffer): void {
  const [found, all] = [decoded(bytes), decoded(clip).pictures]
  const missing = all.findIndex((picture, at) => picture !== found.pictures[at])
  t.equal(found.errors, '')
  t.ok(missing >= all.length - 3, `${missing} of ${all.length} is missing`)
  t.same(found.pictures, all.toSpliced(missing, 1))
}

t.test('of what comes whole, all is kept but the last picture, of which the end is not known', { skip }, async t => {
  for (const options of clips) {
    const clip = liveClip(options)
    for (const step of [1, 187, 1013, clip.length]) {
      const whole = wholeOf(clip, step)
      t.strictSame(checkTs(whole).errors, [], options.name)
      if (step === 1013) allButTheLast(t, whole, clip)
    }
  }
})

t.test(
  'of what is damaged, only whole pictures are left, and they are decoded as if nothing were missing',
  { skip },
  async t => {
    for (const options of clips) {
      const clip = liveClip(options)
      const known = new Set(decoded(clip).pictures)
      for (let seed = 1; seed <= 4; seed++) {
        const parts: Buffer[] = []
        for await (const part of corrupted([clip], { lostPerThousand: 6, seed })) parts.push(part)
        const damaged = Buffer.concat(parts)
        t.not(checkTs(damaged).errors.length, 0)
        const { pictures, errors } = decoded(wholeOf(damaged))
        t.equal(errors, '', `${options.name}, ${seed}`)
        t.ok(pictures.length > 0 && pictures.length < known.size, `${pictures.length} of ${known.size}`)
        t.same(
          pictures.filter(picture => !known.has(picture)),
          [],
          'each is one of the clip',
        )
      }
    }
  },
)

t.test('a packet that says that it has an error takes its picture with it', { skip }, async t => {
  const clip = Buffer.from(liveClip({ name: 'a' }))
  const videoAt = Array.from({ length: clip.length / 188 }, (_, n) => n * 188).filter(
    at => (clip.readUInt16BE(at + 1) & 0x1fff) === 256,
  )
  const at = videoAt[Math.floor(videoAt.length / 2)]!
  clip[at + 1]! |= 0x80
  clip.fill(0x55, at + 4, at + 188)
  const { pictures, errors } = decoded(wholeOf(clip))
  t.equal(errors, '')
  const known = decoded(liveClip({ name: 'a' })).pictures
  t.ok(pictures.length < known.length - 1 && pictures.length >= known.length - 1 - 25, 'up to the next key frame')
})

t.test('bytes that are no packets, and tables that are damaged, change nothing', { skip }, async t => {
  const clip = liveClip({ name: 'a' })
  const junk = Buffer.concat([
    Buffer.from('junk'),
    clip.subarray(0, 188 * 40),
    Buffer.alloc(100, 1),
    clip.subarray(188 * 40),
  ])
  allButTheLast(t, wholeOf(junk), clip)
  const pmtAt = clip.indexOf(Buffer.from([0x47, 0x50, 0x00]), 188 * 200)
  t.ok(pmtAt > 0)
  const wrong = Buffer.from(clip)
  wrong[pmtAt + 4 + 15]! ^= 0x01 // the PID of a stream, without another CRC
  allButTheLast(t, wholeOf(wrong), clip)
})
