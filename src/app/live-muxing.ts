import { LiveSourceError, type Muxing } from '../live/index.ts'
import { startLiveMux, type Tool } from '../media/index.ts'

/** ffmpeg, for the gateway. It is looked for when it is first needed. */
export function liveMuxing(ffmpeg: () => Promise<Tool>): Muxing {
  return {
    mux(job) {
      const started = ffmpeg().then(tool => startLiveMux(tool, job))
      started.catch(() => {}) // told by the chunks
      return {
        write: async (input, bytes) => (await started).write(input, bytes),
        end: input =>
          void started.then(
            mux => mux.end(input),
            () => {},
          ),
        chunks: chunksOf(started),
        async [Symbol.asyncDispose]() {
          await (await started.catch(() => undefined))?.[Symbol.asyncDispose]()
        },
      }
    },
  }
}

async function* chunksOf(started: Promise<{ readonly chunks: AsyncIterable<Uint8Array> }>): AsyncGenerator<Uint8Array> {
  try {
    yield* (await started).chunks
  } catch (error) {
    throw new LiveSourceError('failed', `Cannot put its streams together: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
