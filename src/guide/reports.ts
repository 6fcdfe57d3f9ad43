import type { Database } from '../lib/sqlite.ts'
import type { ChannelReport, GuideReport, SourceReport } from './model.ts'
import type { GuideSource } from './ports.ts'
import type { DocumentStore } from './store.ts'

/** How the guide came about: kept, so that it can be told after a restart. */
export interface ReportBook {
  keep(built: Omit<GuideReport, 'sources'>): GuideReport
  last(): GuideReport
}

/** `sources` are by priority. */
export function reportBook(db: Database, store: DocumentStore, sources: readonly GuideSource[]): ReportBook {
  const get = db.prepare<[], { report: string }>(`select report from last_report`)
  const clear = db.prepare(`delete from last_report`)
  const put = db.prepare<[string]>(`insert into last_report values (?)`)
  const replace = db.transaction((report: string) => {
    clear.run()
    put.run(report)
  })
  const complete = (built: Omit<GuideReport, 'sources'>): GuideReport => {
    const stored = new Map(store.sources().map(source => [source.name, source]))
    const list = sources.map(({ name, priority }): SourceReport => {
      const { document, checkedAt, error } = stored.get(name)!
      return {
        ...{ name, priority, checkedAt: checkedAt ?? undefined, fetchedAt: document?.fetchedAt },
        ...{ bytes: document?.bytes ?? 0, channels: document?.channels ?? 0, programmes: document?.programmes ?? 0 },
        ...countsOf(name, built.channels),
        ...(error !== null && { error }),
        ...(document?.broken && { broken: document.broken }),
        problems: document?.problems ?? {},
      }
    })
    return { ...built, sources: list }
  }

  return {
    keep(built) {
      replace(JSON.stringify(built))
      return complete(built)
    },
    last() {
      const row = get.get()
      return complete(row === undefined ? never : (JSON.parse(row.report) as Omit<GuideReport, 'sources'>))
    },
  }
}

const never = { builtAt: undefined, channels: [], repaired: {} }

function countsOf(source: string, channels: readonly ChannelReport[]): { linked: number; used: number } {
  return {
    linked: channels.filter(({ links }) => links.some(link => link.source === source)).length,
    used: channels.reduce((sum, { from }) => sum + (from[source] ?? 0), 0),
  }
}
