import { join } from 'node:path'
import { type Config, readPlainYaml } from '../config/index.ts'
import { readAliases } from '../guide/index.ts'
import { type LineupOptions, readOverrides } from '../lineup/index.ts'
import { accountOptions } from './account-options.ts'
import { toPlain } from './plain-account.ts'
import type { TunerWorkerData } from './tuner-messages.ts'

/** What the configuration says to the thread of lineup and guide. @throws ConfigError, GuideError for files that cannot be used. */
export function tunerWorkerData(config: Config, catalogPath: string): TunerWorkerData {
  const { guide, data } = config
  const overrides = readOverrides(fileOf(config.lineup.overrides))
  return {
    catalogPath,
    lineupPath: join(data, 'lineup.sqlite'),
    lineup: { ...lineupOptions(config), overrides: overrides.rows, overrideProblems: overrides.problems },
    guideDirectory: join(data, 'guide'),
    guide: {
      pastMs: guide.pastMs,
      days: guide.days,
      placeholders: guide.placeholders,
      pruneEmpty: guide.pruneEmpty,
      aliases: readAliases(fileOf(guide.aliases)),
    },
    accounts: config.accounts.map(account => toPlain(accountOptions(account))),
    providerGuide: guide.provider,
    askShort: guide.short,
    guides: config.guides.map(({ name, priority, source }) => ({ name, priority, address: source.reveal() })),
  }
}

function lineupOptions({ lineup, tuner, devices }: Config): Omit<LineupOptions, 'overrides' | 'overrideProblems'> {
  const { filter, guideOnly, order, numbers, merge, qualities, dropDead } = lineup
  const whole = { name: tuner.name, scanPossible: tuner.scanPossible, filter: {} }
  return {
    ...{ filter, guideOnly, order, numbers, merge, qualities, dropDead },
    devices: devices.length > 0 ? devices : [whole],
    maxChannels: tuner.maxChannels,
  }
}

const fileOf = (path: string | undefined): unknown => (path === undefined ? undefined : readPlainYaml(path))
