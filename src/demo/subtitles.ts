import type { HlsSegment } from './hls.ts'
import { madeMedia } from './media.ts'

/** The timestamp at which ffmpeg's MPEG-TS begins, 1.4 seconds, in units of 90 kHz. */
const FIRST_TIMESTAMP = 126_000

/** WebVTT in pieces beside segments of a picture (RFC 8216 section 3.5): one line for each, saying which one it is. */
export function subtitleSegments(beside: readonly HlsSegment[], line: string, modifiedAt: Date): HlsSegment[] {
  let begin = 0
  return beside.map(({ seconds }, at) => {
    const cue = `${clock(begin + 0.2)} --> ${clock(begin + seconds - 0.2)}\n${line} ${at + 1}`
    const text = `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${FIRST_TIMESTAMP},LOCAL:00:00:00.000\n\n${cue}\n`
    begin += seconds
    const bytes = Buffer.from(text)
    const facts = { bytes: bytes.length, tag: `vtt-${line}-${at}`, modifiedAt, container: 'vtt' } as const
    return { seconds, media: madeMedia(facts, () => bytes) }
  })
}

const clock = (seconds: number) => new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23)
