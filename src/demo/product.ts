import type { FfmpegJob } from '../media/index.ts'
import { type Clip, clipJob, fileNameOf, recipeOf } from './clip.ts'
import { type HlsClip, hlsClipJob, hlsRecipeOf } from './hls-clip.ts'

/** What ffmpeg makes once and what is then kept: a file, or a directory of files. */
export interface Product {
  /** Below the directory of all of them. */
  readonly fileName: string
  readonly isDirectory: boolean
  /** The same text means the same bytes. */
  readonly recipe: string
  /** The run that makes it at a path; any others are for an ffmpeg that cannot do those before them. */
  readonly jobs: (path: string) => readonly FfmpegJob[]
}

export function productOf(clip: Clip | HlsClip): Product {
  if (!isRendition(clip)) {
    return {
      fileName: fileNameOf(clip),
      isDirectory: false,
      recipe: recipeOf(clip),
      jobs: path => [clipJob(clip, path)],
    }
  }
  const ways = clip.otherwise === undefined ? [clip] : [clip, { ...clip, ...clip.otherwise }]
  return {
    fileName: `${clip.name}.hls`,
    isDirectory: true,
    recipe: hlsRecipeOf(clip),
    jobs: path => ways.map(way => hlsClipJob(way, path)),
  }
}

const isRendition = (clip: Clip | HlsClip): clip is HlsClip => clip.layout === 'hls-ts' || clip.layout === 'hls-fmp4'
