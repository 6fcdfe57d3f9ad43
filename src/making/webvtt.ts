import { wrapSeconds } from './runs.ts'

/** A piece of a subtitle track, and where on the film's time line its run begins. */
export interface VttPiece {
  readonly text: string
  /** Where the piece begins by its playlist, in seconds. */
  readonly startSeconds: number
  /** Where the run it belongs to begins in the finished file, in seconds, and with which timestamp of its own clock. */
  readonly run: { readonly startSeconds: number; readonly first: number }
}

interface Cue {
  readonly start: number
  readonly end: number
  readonly settings: string
  readonly text: string
}

const timing = /^((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3})[ \t]+-->[ \t]+((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3})[ \t]*(.*)$/
/** Cues that overlap two segments stand in both (RFC 8216 section 3.5), perhaps a little apart. */
const sameCueSeconds = 0.002

/**
 * One WebVTT file from the segments of a track. X-TIMESTAMP-MAP (RFC 8216 section 3.5) puts a segment's cues on the clock of
 * the film; where it is missing, their times count from the beginning of the title. Cues stand in order of time, each once;
 * style and region blocks, and what comes after `endSeconds`, are left out. Never throws: what is no cue is passed over.
 */
export function joinWebVtt(pieces: readonly VttPiece[], endSeconds: number): string {
  const cues = pieces
    .flatMap(piece => cuesOf(piece))
    .filter(({ start }) => start < endSeconds)
    .map(cue => ({ ...cue, end: Math.min(cue.end, endSeconds) }))
    .sort((a, b) => a.start - b.start || a.end - b.end)
  const blocks: string[] = []
  const recent: Cue[] = []
  for (const cue of cues) {
    while (recent.length > 0 && recent[0]!.start < cue.start - sameCueSeconds) recent.shift()
    if (recent.some(other => isSame(other, cue))) continue
    recent.push(cue)
    blocks.push(`${clock(cue.start)} --> ${clock(cue.end)}${cue.settings && ` ${cue.settings}`}\n${cue.text}\n`)
  }
  return `WEBVTT\n\n${blocks.join('\n')}`
}

function cuesOf(piece: VttPiece): Cue[] {
  const blocks = piece.text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
  const shift = shiftOf(blocks[0] ?? '', piece)
  return blocks.flatMap(block => {
    const lines = block.split('\n').filter(line => line !== '')
    const at = lines.findIndex(line => timing.test(line))
    const text = lines.slice(at + 1).join('\n')
    if (at < 0 || at > 1 || text === '') return []
    const [, from, to, settings] = timing.exec(lines[at]!)!
    const end = secondsOf(to!) + shift
    const start = Math.max(0, secondsOf(from!) + shift)
    return end > start ? [{ start, end, settings: settings!.trim(), text }] : []
  })
}

/** Seconds to add to a segment's cue times. */
function shiftOf(header: string, { run, startSeconds }: VttPiece): number {
  const [, map] = /^X-TIMESTAMP-MAP=(.*)$/m.exec(header) ?? []
  const [, ticks] = /MPEGTS:(\d+)/.exec(map ?? '') ?? []
  const [, local] = /LOCAL:((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3})/.exec(map ?? '') ?? []
  if (ticks === undefined || local === undefined) return 0
  const shift = run.startSeconds + Number(ticks) / 90_000 - run.first - secondsOf(local)
  // The clock may have come round any number of times; the segment's place in its playlist is a good guess of the right one.
  // Where a map tells the beginning of the run, not of the segment, both are within half a turn.
  const turns = Math.round((shift + secondsOf(local) - startSeconds) / wrapSeconds)
  return shift - turns * wrapSeconds
}

const isSame = (one: Cue, other: Cue) =>
  one.text === other.text && Math.abs(one.end - other.end) <= sameCueSeconds && one.settings === other.settings

/** `01:02:03.004`, or without hours. */
function secondsOf(time: string): number {
  return time
    .replace(',', '.')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0)
}

function clock(seconds: number): string {
  const ms = Math.round(seconds * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60]
  return `${two(hours)}:${two(minutes)}:${two(Math.floor(ms / 1000) % 60)}.${String(ms % 1000).padStart(3, '0')}`
}
