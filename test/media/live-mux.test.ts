import { spawnSync } from 'node:child_process'
import t from 'tap'
import { findTools, startLiveMux } from '../../src/media/index.ts'
import { liveClip } from '../lib/live-clips.ts'
import { without } from '../lib/programs.ts'

const skip = without('ffmpeg', 'ffprobe')

/** Packets of each stream, as ffprobe finds them. */
function packetsIn(bytes: Buffer): Readonly<Record<string, number>> {
  const counted = ['-count_packets', '-show_entries', 'stream=codec_type,nb_read_packets', '-of', 'json']
  const { stdout } = spawnSync('ffprobe', ['-v', 'error', ...counted, '-f', 'mpegts', '-'], { input: bytes })
  const { streams } = JSON.parse(stdout.toString()) as { streams: { codec_type: string; nb_read_packets: string }[] }
  return Object.fromEntries(streams.map(({ codec_type, nb_read_packets }) => [codec_type, Number(nb_read_packets)]))
}

t.test('what comes out has every picture and sound of what went in, the first ones too', { skip }, async t => {
  const { ffmpeg } = await findTools()
  const clip = liveClip({ name: 'a' })
  const all = packetsIn(clip)
  for (const [dropCorrupt, expected] of [
    [false, all],
    [true, { video: all.video }],
  ] as const) {
    await using mux = startLiveMux(ffmpeg, { inputs: [{ format: 'mpegts' }], dropCorrupt })
    const writing = mux.write(0, clip).then(() => mux.end(0))
    const parts: Uint8Array[] = []
    for await (const part of mux.chunks) parts.push(part)
    await writing
    t.same(packetsIn(Buffer.concat(parts)), expected, `dropCorrupt ${dropCorrupt}`)
  }
})
