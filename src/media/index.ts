/** ffmpeg and ffprobe: finding them, running them, reading what they say. The only folder that starts processes. */
export { type FfmpegInput, type FfmpegJob, type FfmpegRunOptions, ffmpegArguments, runFfmpeg } from './ffmpeg.ts'
export { type Probe, type ProbedStream, type ProbeOptions, probe } from './ffprobe.ts'
export { ProcessError, type ProcessErrorCode } from './process.ts'
export { type FindToolsOptions, findTools, type Tool, ToolError, type ToolName, type Tools } from './tools.ts'
