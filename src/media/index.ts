/** ffmpeg and ffprobe: finding them, running them, reading what they say. The only folder that starts processes. */
export { type FfmpegInput, type FfmpegJob, type FfmpegRunOptions, ffmpegArguments, runFfmpeg } from './ffmpeg.ts'
export { endSeconds, type Probe, type ProbedStream, type ProbeOptions, probe } from './ffprobe.ts'
export { type LiveInput, type LiveMux, type LiveMuxJob, liveMuxArguments, startLiveMux } from './live-mux.ts'
export { ProcessError, type ProcessErrorCode } from './process.ts'
export {
  type AddedSubtitles,
  type CopiedStream,
  type CopyJob,
  containerFor,
  copyJob,
  copyStreams,
  finalFrom,
  type LocalInput,
  type RemuxContainer,
} from './remux.ts'
export { type FindToolsOptions, findTools, type Tool, ToolError, type ToolName, type Tools } from './tools.ts'
