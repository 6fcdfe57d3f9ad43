/** Plex Media Server, set up and kept as we need it: its tuners, guides, channel maps and libraries. */
export { PlexError, type PlexErrorCode } from './errors.ts'
export { PlexHttp, type PlexHttpOptions } from './http.ts'
export { link } from './link.ts'
export { type PlexServer, readServer } from './server.ts'
export { type FoundToken, findToken, preferencesPaths, type TokenSources } from './tokens.ts'
