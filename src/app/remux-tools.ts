import type { Remux } from '../making/index.ts'
import { containerFor, copyStreams, endSeconds, finalFrom, findTools, probe, type Tools } from '../media/index.ts'
import type { Composer } from '../remux/index.ts'

/** ffmpeg and ffprobe as what making needs of them. They are looked for when they are first needed, and again after a failure. */
export function remuxTools(
  configured: { readonly ffmpeg?: string; readonly ffprobe?: string },
  composer: Pick<Composer, 'count'>,
): Remux {
  let found: Promise<Tools> | undefined
  const tools = () => {
    found ??= findTools(configured).catch(error => {
      found = undefined
      throw error
    })
    return found
  }
  return {
    containerFor,
    finalFrom,
    countSamples: (piece, map) => composer.count(piece, map),
    probe: async (input, options) => probe((await tools()).ffprobe, 'format' in input ? input : input.file, options),
    endSeconds: async (input, options) => endSeconds((await tools()).ffprobe, input, options),
    remux: async (job, options) => copyStreams((await tools()).ffmpeg, job, options),
  }
}
