import type { Channel, Lineup } from '../lineup/index.ts'
import { type Gateway, LiveError, type LiveErrorCode } from '../live/index.ts'
import { type StreamRequest, type Streams, TunerError, type TunerErrorCode } from '../tuner/index.ts'

/** The gateway's sessions as the streams of tuners. */
export function tunerStreams(
  gateway: Gateway,
  channelOf: (id: number) => Channel | undefined,
  lineup: () => Lineup,
): Streams {
  const wanted = ({ channelId, address, userAgent, signal }: StreamRequest) => {
    const channel = channelOf(channelId)
    if (channel === undefined) throw new TunerError('unknown-channel', `No channel ${channelId} is in the lineup`)
    return [channel, { address, userAgent, signal }] as const
  }
  return {
    open: request => translated(() => gateway.watch(...wanted(request))),
    playlist: (request, address) => translated(() => gateway.playlist(...wanted(request), address)),
    piece: (request, name, options) => translated(() => gateway.piece(...wanted(request), name, options)),
    tuners(device) {
      const own = new Set(
        lineup()
          .devices.find(({ index }) => index === device)
          ?.channels.map(({ id }) => id),
      )
      return gateway.sessions().flatMap(({ channel }) => (own.has(channel.id) ? [channel.number] : []))
    },
  }
}

const tunerCode = {
  busy: 'all-tuners-in-use',
  'no-media': 'no-video-data',
  failed: 'tune-failed',
  stopping: 'not-available',
} satisfies Record<LiveErrorCode, TunerErrorCode>

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LiveError)) throw error
    throw new TunerError(tunerCode[error.code], error.message, { cause: error })
  }
}
