import type {
  ProviderEpisode,
  ProviderMovie,
  ProviderRecord,
  ProviderSection,
  ProviderShow,
  ProviderSnapshot,
} from '../../../src/catalog/ports.ts'

/** A provider account whose answers are arrays, or errors, and that counts what it is asked for. */
export class FakeProvider implements ProviderSnapshot {
  readonly accountId: string
  readonly asked: string[] = []
  /** What each section holds; an Error is thrown after the rows in front of it. */
  answers: Partial<Record<ProviderSection, readonly (ProviderRecord | Error)[]>> = {}
  shows: Record<string, readonly ProviderRecord[] | Error> = {}

  constructor(accountId = 'one') {
    this.accountId = accountId
  }

  get sections(): readonly ProviderSection[] {
    return Object.keys(this.answers) as ProviderSection[]
  }

  async *read(section: ProviderSection): AsyncIterable<ProviderRecord> {
    this.asked.push(section)
    for (const record of this.answers[section] ?? []) {
      if (record instanceof Error) throw record
      yield record
    }
  }

  async episodes(showKey: string): Promise<readonly ProviderRecord[]> {
    this.asked.push(`episodes ${showKey}`)
    const answer = this.shows[showKey] ?? []
    if (answer instanceof Error) throw answer
    return answer
  }
}

export function movie(
  key: string,
  name: string,
  more: Partial<ProviderMovie> & { extension?: string } = {},
): ProviderMovie {
  const { extension = 'mkv', ...rest } = more
  const playable = { locator: `movie/${key}.${extension}`, extension, addedAt: 1_600_000_000_000 + Number(key) * 1000 }
  return { type: 'movie', key, name, categoryKeys: [], playable, ...rest }
}

export function show(key: string, name: string, more: Partial<ProviderShow> = {}): ProviderShow {
  return { type: 'show', key, name, categoryKeys: [], modifiedAt: 1_650_000_000_000, complete: false, ...more }
}

export function episode(
  showKey: string,
  key: string,
  season: number,
  number: number,
  more: Partial<ProviderEpisode> = {},
): ProviderEpisode {
  const playable = { locator: `series/${key}.mkv`, extension: 'mkv' }
  return { type: 'episode', key, showKey, season, number, title: `Part ${season}-${number}`, playable, ...more }
}
