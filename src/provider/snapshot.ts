import type { M3u } from './m3u.ts'
import type { ProviderSection, ProviderSnapshot } from './records.ts'
import type { Xtream } from './xtream.ts'

/** An Xtream account's three sections; shows come without their episodes. */
export function xtreamSnapshot(accountId: string, xtream: Xtream): ProviderSnapshot {
  return {
    accountId,
    sections: ['movies', 'shows', 'channels'],
    read(section, signal) {
      if (section === 'playlist') throw unknownSection(accountId, section)
      return xtream.section(section, signal)
    },
    episodes: (showKey, signal) => xtream.episodes(showKey, signal),
  }
}

/** A playlist's one section, which holds the episodes too. */
export function playlistSnapshot(accountId: string, m3u: M3u): ProviderSnapshot {
  return {
    accountId,
    sections: ['playlist'],
    read(section, signal) {
      if (section !== 'playlist') throw unknownSection(accountId, section)
      return m3u.records(signal)
    },
    episodes: async () => [],
  }
}

function unknownSection(accountId: string, section: ProviderSection): Error {
  return new Error(`Account ${accountId} has no section ${section}`)
}
