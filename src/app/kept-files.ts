import type { KeptFile, RestoreTarget } from '../backup/index.ts'
import { schemaVersion as catalogVersion } from '../catalog/index.ts'
import { databaseFiles } from '../lib/sqlite.ts'
import { schemaVersion as lineupVersion } from '../lineup/index.ts'
import { schemaVersion as queueVersion } from '../queue/index.ts'

/**
 * What of the data directory must not be lost. Copies are taken in this order: lineup and queue know the catalogue by its ids,
 * so of the three the catalogue is the youngest, as it is while the server runs.
 */
export const keptFiles: readonly KeptFile[] = [
  { name: 'lineup.sqlite', schema: lineupVersion },
  { name: 'queue.sqlite', schema: queueVersion },
  { name: 'catalog.sqlite', schema: catalogVersion, isRequired: true },
  { name: 'plex.json' },
  { name: 'plex.token' },
  { name: 'password.json' },
]

/** What is made again by itself, or belongs to the process that runs. A name is in this list or in the other. */
export const madeAgain: readonly string[] = [
  'cache',
  'demo',
  'guide',
  'tests',
  'admin.token',
  'instance.json',
  'instance.sqlite',
  'sessions.sqlite',
  'webhooks.sqlite',
]

/**
 * A restore takes the guide away with the lineup that it was made for: its channels may be others. And it signs everybody out: with
 * an earlier password, sessions would count again that ended with it.
 */
export const restoreTarget: RestoreTarget = {
  kept: keptFiles,
  outdated: ['guide', ...databaseFiles('sessions.sqlite')],
}
