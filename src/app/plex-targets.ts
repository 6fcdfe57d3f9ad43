import type { Config } from '../config/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import { findToken, link, PlexHttp, preferencesPaths } from '../plex/index.ts'
import { readPlexNote, writeLinkedToken } from './plex-files.ts'

const connectMs = 10_000
const answerMs = 30_000

/** A Plex server of the configuration. */
export interface PlexTarget {
  /** What reports call it: `plex` for the first. */
  readonly name: string
  readonly url: URL
  readonly token: Secret | undefined
  readonly tokenFile: string | undefined
  /** Where the export is mounted on its host. */
  readonly mount: string | undefined
}

/** The servers of the configuration, the one of the group `plex` first. A token of one account is good for all its servers. */
export function plexTargets({ plex, plexServers }: Config): readonly PlexTarget[] {
  const { token, tokenFile, mount } = plex
  const first = plex.url === undefined ? [] : [{ name: 'plex', url: new URL(plex.url.url), token, tokenFile, mount }]
  const further = plexServers.map(server => {
    const hasOwn = server.token !== undefined || server.tokenFile !== undefined
    const own = hasOwn ? { token: server.token, tokenFile: server.tokenFile } : { token, tokenFile }
    return { name: server.name, url: new URL(server.url.url), ...own, mount: server.mount ?? mount }
  })
  return [...first, ...further]
}

/** A client of a server. @throws PlexError (no-token). */
export function openPlex(
  { url, token, tokenFile }: PlexTarget,
  { plex }: Config,
  { clientId, version }: { readonly clientId: string; readonly version: string },
): PlexHttp {
  const found = findToken({
    ...{ token, tokenFile, linkedFile: plex.linkedFile },
    preferences: plex.preferences === undefined ? preferencesPaths : [plex.preferences],
  })
  return new PlexHttp({ url, token: found.token, clientId, version, connectMs, answerMs })
}

/** Signs in by a code and keeps the token, for the demo provider's server, too. @throws PlexError. */
export async function linkPlex(
  { plex, data }: Config,
  { version, clock, show }: { readonly version: string; readonly clock: Clock; show(code: string): void },
  signal: AbortSignal,
): Promise<void> {
  const { clientId } = readPlexNote(data)
  const url = new URL(plex.signIn.url)
  await using http = new PlexHttp({ url, token: undefined, clientId, version, connectMs, answerMs })
  writeLinkedToken(plex.linkedFile, await link({ http, clock, show }, signal))
}
