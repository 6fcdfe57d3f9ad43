import type { Clock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { integer, requiredText, text } from './answers.ts'
import { PlexError } from './errors.ts'
import type { PlexHttp } from './http.ts'

/** How often the maker's service is asked whether the code was entered. */
const pollMs = 2_000
/** How long a code holds where the answer does not say: 15 minutes. */
const codeSeconds = 900

export interface LinkDeps {
  /** The maker's service: `https://plex.tv`, without a token. */
  readonly http: PlexHttp
  readonly clock: Clock
  /** Shows the four letters, and where they are to be entered. */
  show(code: string): void
}

/**
 * Signs in by a code that somebody enters at https://plex.tv/link: `POST /api/v2/pins`, then `GET /api/v2/pins/{id}` until it
 * carries a token.
 *
 * @throws PlexError: `expired` when nobody entered the code in time.
 */
export async function link({ http, clock, show }: LinkDeps, signal: AbortSignal): Promise<Secret> {
  const { container: pin } = await http.ask('POST', '/api/v2/pins', {}, signal)
  const id = requiredText(pin, 'id', 'A link code of plex.tv')
  const code = requiredText(pin, 'code', 'A link code of plex.tv')
  const until = clock.now() + (integer(pin, 'expiresIn') ?? codeSeconds) * 1000
  show(code)
  while (clock.now() < until) {
    await clock.sleep(pollMs, signal)
    const token = await tokenOf(http, id, signal)
    if (token !== undefined) return new Secret(token)
  }
  throw new PlexError('expired', `The code ${code} was not entered in time. Run reelport plex link again`)
}

async function tokenOf(http: PlexHttp, id: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { container } = await http.ask('GET', `/api/v2/pins/${id}`, {}, signal)
    return text(container, 'authToken')
  } catch (error) {
    if (error instanceof PlexError && error.code === 'not-found')
      throw new PlexError('expired', 'The code is no longer valid. Run reelport plex link again', { cause: error })
    if (error instanceof PlexError && ['timed-out', 'unreachable', 'failed'].includes(error.code)) return undefined
    throw error
  }
}
