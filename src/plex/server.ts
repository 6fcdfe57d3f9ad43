import { flag, requiredText, rows, text } from './answers.ts'
import type { PlexHttp } from './http.ts'

/** Who a server is and what it can do, as it says itself: nothing here is concluded from its version. */
export interface PlexServer {
  /** Permanent. */
  readonly machineIdentifier: string
  readonly version: string
  readonly name: string
  /** False for a server that nobody has signed in: it has no owner, and so no live TV. */
  readonly claimed: boolean
  /** Whether its owner's account may use tuners: Plex Pass. Undefined where it does not say. */
  readonly allowsTuners: boolean | undefined
  /** Whether it has a grabber for HDHomeRun tuners. */
  readonly hasHdhomerun: boolean
}

/** The grabber that our tuners belong to. */
export const hdhomerunGrabber = 'tv.plex.grabbers.hdhomerun'

/** Asks the server who it is. @throws PlexError: `unauthorized` for a token that it does not know. */
export async function readServer(http: PlexHttp, signal: AbortSignal): Promise<PlexServer> {
  const { container: identity } = await http.ask('GET', '/identity', {}, signal)
  const machineIdentifier = requiredText(identity, 'machineIdentifier', `The identity of ${http.host}`)
  const { container: root } = await http.ask('GET', '/', {}, signal)
  const { container: grabbers } = await http.ask('GET', '/media/grabbers', {}, signal)
  return {
    machineIdentifier,
    version: text(root, 'version') ?? requiredText(identity, 'version', `The identity of ${http.host}`),
    name: text(root, 'friendlyName') ?? http.host,
    claimed: identity.claimed === undefined || flag(identity, 'claimed'),
    allowsTuners: root.allowTuners === undefined ? undefined : flag(root, 'allowTuners'),
    hasHdhomerun: rows(grabbers, 'MediaGrabber').some(row => text(row, 'identifier') === hdhomerunGrabber),
  }
}
