/** Which channels there are: with permanent ids and numbers, made of one or several streams, on one or several devices. */
export type { DeviceOptions } from './devices.ts'
export { LineupError, type LineupErrorCode } from './errors.ts'
export { guideIdOf } from './guide-ids.ts'
export { type LineupBook, type LineupOptions, openLineup } from './lineup.ts'
export type * from './model.ts'
export { readOverrides } from './overrides.ts'
export { schemaVersion } from './schema.ts'
export { skipIds as skipChannelIds } from './skip-ids.ts'
