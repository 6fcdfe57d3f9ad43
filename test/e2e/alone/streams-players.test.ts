import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { randomFrom } from '../../lib/crashing.ts'
import { probed } from '../../lib/frames.ts'
import {
  carriedTracks,
  fileOf,
  type HlsFilm,
  hlsFilms,
  longCrossing,
  slowWeather,
  tidewaterLane,
  withSource,
} from '../../lib/hls-films.ts'
import { connectNfs } from '../../lib/nfs-client.ts'
import { run, without } from '../../lib/programs.ts'
import { type ServedDemo, serveDemo } from '../../lib/served-demo.ts'

/** What players make of a file that is composed of HLS segments: any place in it is found, and its facts are those of its source. */

const seeks = Number(process.env.REELPORT_SEEKS ?? 12)
const random = randomFrom(Number(process.env.REELPORT_SEEK_SEED ?? 2607))
const skip = without('ffmpeg', 'ffprobe')

const long = { longTitle: { segments: 60, seconds: 2, kbps: 600 } }

interface Scene {
  readonly served: ServedDemo
  /** The film's file, read through the server. */
  file(film: HlsFilm): Promise<string>
}

async function scene(t: Test): Promise<Scene> {
  const served = await serveDemo(t, { demo: { hls: true, ...long }, flags: { 'streams-lengths-per-second': '1000' } })
  const client = await connectNfs(served.app.nfs.port)
  t.teardown(() => client[Symbol.asyncDispose]())
  const directory = mkdtempSync(join(tmpdir(), 'reelport-players-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return {
    served,
    async file(film) {
      const { handle, attributes } = await fileOf(film, client)
      const path = join(directory, `${film.id}.mp4`)
      writeFileSync(path, await client.read(handle, 0, attributes.size))
      return path
    },
  }
}

interface Picture {
  /** Seconds. */
  readonly at: number
  readonly hash: string
}

/** The pictures that ffmpeg shows of an input that is played from a time on, the first `count`; times are from its beginning. */
function pictures(input: string, { from, count }: { from?: number; count?: number } = {}): readonly Picture[] {
  const options = [
    ...(input.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : []),
    ...(from === undefined ? [] : ['-ss', from.toFixed(6)]),
  ]
  const most = count === undefined ? [] : ['-frames:v', String(count)]
  const output = ['-map', '0:v:0', ...most, '-vsync', 'passthrough', '-f', 'framemd5', '-']
  const args = ['-nostdin', '-v', 'error', ...options, '-i', input, ...output]
  const { status, stdout, stderr } = spawnSync('ffmpeg', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`ffmpeg of ${input}: ${stderr}`)
  const [, numerator, denominator] = /^#tb 0: (\d+)\/(\d+)/m.exec(stdout)!
  const seconds = Number(numerator) / Number(denominator)
  return stdout
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(','))
    .map(([, , pts, , , hash]) => ({ at: Number(pts) * seconds, hash: hash!.trim() }))
}

t.test(`a player that goes to ${seeks} random places shows what the source has there`, { skip }, async t => {
  const { served, file } = await scene(t)
  for (const film of [tidewaterLane, slowWeather, longCrossing]) {
    const path = await file(film)
    const [main] = carriedTracks(served.demo, film)
    const source = await withSource(main!, source => pictures(typeof source === 'string' ? source : source[0]!))
    const played = pictures(path)
    t.strictSame(
      played.map(({ hash }) => hash),
      source.map(({ hash }) => hash),
      `${film.name}: every picture`,
    )
    const shifted = source.map(({ at }, picture) =>
      Math.abs(at - source[0]!.at - (played[picture]!.at - played[0]!.at)),
    )
    t.ok(Math.max(...shifted) < 0.002, 'at its time')

    const wrong: string[] = []
    for (let seek = 0; seek < seeks; seek++) {
      const to = 1 + Math.floor(random() * (played.length - 1))
      // Half way between two pictures, so that rounding cannot choose another: the next one is shown.
      const from = (played[to - 1]!.at + played[to]!.at) / 2
      const [shown] = pictures(path, { from, count: 1 })
      if (shown?.hash === source[to]!.hash) continue
      const is = source.findIndex(({ hash }) => hash === shown?.hash)
      wrong.push(`at ${from.toFixed(3)}: picture ${is} instead of ${to}`)
    }
    t.same(wrong, [], `${film.name}: found ${seeks} times`)
  }
})

/** Codecs as ffprobe names them, to mediainfo's formats. */
const formats: Readonly<Record<string, string>> = {
  h264: 'AVC',
  hevc: 'HEVC',
  aac: 'AAC',
  eac3: 'E-AC-3',
  ac3: 'AC-3',
}

interface MediaInfo {
  readonly media: { readonly track: readonly { '@type': string; Format?: string; Duration?: string }[] }
}

t.test('mediainfo and ffprobe agree about every film', { skip: skip || without('mediainfo') }, async t => {
  const { file } = await scene(t)
  for (const film of [...hlsFilms, longCrossing]) {
    const path = await file(film)
    const { streams, seconds } = probed(path)
    const { stdout } = await run('mediainfo', ['--Output=JSON', path])
    const tracks = (JSON.parse(stdout) as MediaInfo).media.track
    t.strictSame(
      tracks.filter(track => track['@type'] !== 'General').map(track => `${track['@type']} ${track.Format}`),
      streams.map(({ type, codec }) => `${type === 'video' ? 'Video' : 'Audio'} ${formats[codec]}`),
      `${film.name}: the same streams`,
    )
    const general = Number(tracks.find(track => track['@type'] === 'General')?.Duration)
    t.ok(Math.abs(general - seconds) < 0.15, `${general} and ${seconds} s`)
  }
})
