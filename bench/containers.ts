/**
 * Which container an instant file should be: fragmented MP4 with `sidx`, or Matroska with Cues in front. Both are built from
 * the same HLS titles and the same remuxed segments, padded to lengths that were fixed before; then scanners and players read them.
 *
 *   node --conditions=@nfs/source bench/containers.ts [CLIP…]
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findTools, type Tool } from '../src/media/tools.ts'
import { type Clip, type ClipRecipe, makeClip } from './lib/clips.ts'
import { median } from './lib/figures.ts'
import { fragmentedMp4 } from './lib/fragmented-mp4.ts'
import { instantFile, type Layout, remuxClip, type Timing, timingOf } from './lib/instant-files.ts'
import { matroska } from './lib/matroska.ts'
import { decode, mediainfo, type Packet, packetsOf, probe, seek } from './lib/readers.ts'
import { scratchDirectory } from './lib/scratch.ts'

const h264 = ['-c:v', 'libx264', '-preset', 'superfast']
const recipes: readonly ClipRecipe[] = [
  { name: 'h264-aac', seconds: 66, encoders: [...h264, '-c:a', 'aac'] },
  { name: 'h264-ac3', seconds: 66, encoders: [...h264, '-c:a', 'ac3'] },
  { name: 'hevc-eac3', seconds: 66, encoders: ['-c:v', 'libx265', '-preset', 'ultrafast', '-c:a', 'eac3'] },
  { name: 'h264-mp3', seconds: 66, encoders: [...h264, '-c:a', 'libmp3lame'] },
  { name: 'mpeg2-mp2', seconds: 66, encoders: ['-c:v', 'mpeg2video', '-c:a', 'mp2'] },
  { name: 'h264-aac-fmp4', seconds: 66, encoders: [...h264, '-c:a', 'aac'], fragmented: true },
  { name: 'h264-aac-rounded', seconds: 66, encoders: [...h264, '-c:a', 'aac'], wholeSeconds: true },
  { name: 'h264-aac-long', seconds: 600, encoders: [...h264, '-c:a', 'aac'] },
]
/** The segment that is left out where gaps are tried. */
const missing = 3
/** Releases that the npm packages' builds are closest to; they name themselves by commit. */
const ofStaticBuild: Readonly<Record<string, string>> = { 'N-47683': '4.1', 'N-66595': '5.2' }
/** Halfway between two frames, where no rounding of timestamps decides which is shown. */
const betweenFrames = 0.02

interface Client {
  readonly ffmpeg: Tool
  readonly ffprobe: Tool
}

/** What every file is compared with: the playlist, read by ffmpeg. */
interface Truth {
  readonly packets: readonly Packet[]
  /** In the order of presentation; seconds from the least dts. */
  readonly pictures: readonly Picture[]
  readonly sound: readonly string[]
}

interface Picture {
  readonly time: number
  readonly md5: string
}

const named = process.argv.slice(2)
const scratch = scratchDirectory('containers')
const debian: Client = await findTools()
const bundled: Client = await findTools({ searchPath: '' })
for (const recipe of recipes) {
  if (named.length > 0 && !named.includes(recipe.name)) continue
  const clip = await makeClip(debian.ffmpeg.path, scratch, recipe)
  const truth = await truthOf(clip)
  const timing = await timingOf(debian.ffprobe.path, clip)
  for (const layout of layoutsFor(recipe)) {
    const line = await compare(clip, timing, layout, truth).catch(
      error => `cannot be made: ${(error as Error).message}`,
    )
    process.stdout.write(`${clip.name.padEnd(16)} | ${layout.name.padEnd(18)} | ${line}\n`)
  }
}

async function truthOf({ playlist }: Clip): Promise<Truth> {
  const packets = await packetsOf(debian.ffprobe.path, playlist)
  const { video, audio } = await decode(debian.ffmpeg, playlist)
  const times = timesOf(packets, 'video', leastDts(packets))
  return { packets, pictures: video.map((md5, at) => ({ time: times[at]!, md5 })), sound: audio }
}

function layoutsFor({ encoders }: ClipRecipe): Layout[] {
  const extra = []
  if (encoders.includes('aac')) extra.push('-bsf:a', 'aac_adtstoasc')
  if (encoders.includes('libx265')) extra.push('-tag:v', 'hvc1')
  return [
    fragmentedMp4('fmp4, 1 index', extra, { order: 'tracks', indexes: 'first' }),
    fragmentedMp4('fmp4 by tracks', extra, { order: 'tracks', indexes: 'all' }),
    fragmentedMp4('fmp4 in runs', extra, { order: 'runs', indexes: 'all' }),
    fragmentedMp4('fmp4 in fragments', extra, { order: 'fragments', indexes: 'all' }),
    matroska('matroska'),
  ]
}

async function compare(clip: Clip, timing: Timing, layout: Layout, truth: Truth): Promise<string> {
  const remuxed = await remuxClip(debian.ffmpeg.path, clip, timing, layout)
  const { bytes, leastSlack } = instantFile(remuxed)
  const path = join(scratch, `${clip.name}.${layout.extension}`)
  writeFileSync(path, bytes)
  const columns = [`slack ${(leastSlack * 100).toFixed(2)} %`]
  columns.push(await describePackets(path, truth), await describeFrames(path, truth))
  for (const client of [debian, bundled]) {
    columns.push(await describeProbe(client, path), await describeSeeks(client, path, targetsIn(truth), truth.pictures))
  }
  columns.push((await mediainfo(path)) ?? 'no mediainfo')

  writeFileSync(path, instantFile(remuxed, [missing]).bytes)
  columns.push(await describeGap(path, truth))
  rmSync(path)
  return columns.join(' | ')
}

/** Are all packets there, and how far are they from where the playlist has them? */
async function describePackets(path: string, { packets }: Truth): Promise<string> {
  const found = await packetsOf(debian.ffprobe.path, path)
  const off = (['video', 'audio'] as const).flatMap(kind => {
    const [here, there] = [timesOf(found, kind, 0), timesOf(packets, kind, leastDts(packets))]
    return here.length === there.length ? there.map((time, at) => Math.abs(time - here[at]!)) : [Number.NaN]
  })
  return `${found.length} of ${packets.length} packets, off by ${(Math.max(...off) * 1000).toFixed(1)} ms`
}

async function describeFrames(path: string, { pictures, sound }: Truth): Promise<string> {
  const { video, audio } = await decode(debian.ffmpeg, path)
  const seen = pictures.filter(({ md5 }, at) => md5 === video[at]).length
  const heard = sound.filter((md5, at) => md5 === audio[at]).length
  return `frames ${seen}/${pictures.length} + ${heard}/${sound.length}`
}

async function describeProbe({ ffprobe }: Client, path: string): Promise<string> {
  const { reads, seconds, streams } = await probe(ffprobe, path)
  return `ffprobe ${versionOf(ffprobe)}: ${kib(reads.bytes)}, ${reads.seeks} seeks, ${streams} streams, ${seconds.toFixed(2)} s`
}

/** Counts the targets where the picture is shown that comes first at or after them. */
async function describeSeeks(
  { ffmpeg }: Client,
  path: string,
  targets: readonly number[],
  pictures: readonly Picture[],
): Promise<string> {
  const bytes: number[] = []
  const seeks: number[] = []
  let right = 0
  for (const target of targets) {
    const { reads, frame } = await seek(ffmpeg, path, target)
    if (frame === pictures.find(({ time }) => time >= target)!.md5) right++
    bytes.push(reads.bytes)
    seeks.push(reads.seeks)
  }
  const read = `${kib(median(bytes))} (most ${kib(Math.max(...bytes))}), ${median(seeks)} seeks`
  return `ffmpeg ${versionOf(ffmpeg)}: ${right}/${targets.length} right, ${read}`
}

/** From the beginning to the end, some of them at the edges of segments. */
function targetsIn({ pictures }: Truth): number[] {
  const parts = [0.02, 0.1, 0.2, 0.3, 0.4, 0.49, 0.5, 0.6, 0.77, 0.98]
  return parts.map(part => pictures[Math.floor(part * pictures.length)]!.time - betweenFrames)
}

/** Of the file with one segment missing: is all the rest there, and found? */
async function describeGap(path: string, truth: Truth): Promise<string> {
  const held = new Set((await decode(debian.ffmpeg, path)).video)
  const rest = truth.pictures.filter(({ md5 }) => held.has(md5))
  const lost = truth.pictures.length - rest.length
  return `gap: ${lost} frames lost, ${await describeSeeks(debian, path, targetsIn(truth), rest)}`
}

/** Presentation times of the pictures or the sound, sorted, counted from `origin`. */
function timesOf(packets: readonly Packet[], kind: Packet['kind'], origin: number): number[] {
  const times = packets.filter(packet => packet.kind === kind).map(({ pts }) => pts - origin)
  return times.sort((a, b) => a - b)
}

function leastDts(packets: readonly Packet[]): number {
  return Math.min(...packets.map(({ dts }) => dts))
}

function versionOf({ version }: Tool): string {
  return ofStaticBuild[version.slice(0, 7)] ?? version.slice(0, 3)
}

function kib(bytes: number): string {
  return `${Math.round(bytes / 1024)} KiB`
}
