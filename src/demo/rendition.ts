import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PLAYLIST_NAME } from './hls-clip.ts'
import { fileMedia, type Media, partOf } from './media.ts'
import type { MadeClip } from './media-set.ts'

/** A rendition as ffmpeg made it. */
export interface Rendition {
  /** Its playlist on disk. */
  readonly file: string
  readonly map?: Media
  readonly segments: readonly { readonly seconds: number; readonly media: Media }[]
}

/**
 * Reads the playlist of a rendition that `hlsClipJob` made: one media file, of which every segment is a byte range.
 *
 * @throws Error when the playlist is not one of those.
 */
export async function openRendition(made: MadeClip, modifiedAt: Date): Promise<Rendition> {
  const file = join(made.file, PLAYLIST_NAME)
  const text = await readFile(file, 'utf8')
  const [, name] = /^(index\.\w+)$/m.exec(text) ?? []
  if (name === undefined) throw new Error(`${file} names no media file: it has been changed or cut`)
  const whole = fileMedia(join(dirname(file), name), {
    bytes: Number.POSITIVE_INFINITY, // only parts of it are used
    tag: made.sha256.slice(0, 24),
    modifiedAt,
    container: name.endsWith('.ts') ? 'ts' : 'mp4',
  })
  const range = (length: string, start: string) => partOf(whole, Number(start), Number(start) + Number(length))
  const [, mapLength, mapStart] = /^#EXT-X-MAP:.*BYTERANGE="(\d+)@(\d+)"/m.exec(text) ?? []
  const segments = [...text.matchAll(/^#EXTINF:([\d.]+),\n#EXT-X-BYTERANGE:(\d+)@(\d+)$/gm)]
  return {
    file,
    ...(mapLength !== undefined && mapStart !== undefined && { map: range(mapLength, mapStart) }),
    segments: segments.map(([, seconds, length, start]) => ({
      seconds: Number(seconds),
      media: range(length!, start!),
    })),
  }
}
