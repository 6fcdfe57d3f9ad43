/** Jellyfin, given the tuners, guides and libraries that the same export serves. */
export { type JellyfinApi, type JellyfinOptions, jellyfinApi } from './api.ts'
export { JellyfinError, type JellyfinErrorCode } from './errors.ts'
export type { Wanted } from './ports.ts'
export { describeStep, manualSteps, planSetup, remove, setUp } from './setup.ts'
