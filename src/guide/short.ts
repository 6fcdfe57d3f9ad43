import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import type { Database } from '../lib/sqlite.ts'
import type { Placed } from './merge.ts'
import type { AskShort, GuideChannel, ShortProgramme } from './ports.ts'
import { programmeContent } from './write/programme.ts'
import { element } from './xml-element.ts'

const concurrency = 2
/** Programmes asked for: what is on now, and the rest of an evening. */
const limit = 8
/** Upstreams of one channel that are asked. */
const maxUpstreams = 2
/** After as many failures in a row, nobody is asked any more this time. */
const maxFailures = 5

/** A programme of a provider's answer, with its content as it will be written. */
export type ShortSlot = Placed<{ start: number; stop: number; readonly content: string }>

/** What providers told of single channels, that no guide has. */
export interface ShortGuide {
  programmes(channelId: number, from: number, to: number): readonly ShortSlot[]
  /** Asks about some of the channels: those first that were not asked for the longest. Never fails but for the signal. */
  ask(channels: readonly GuideChannel[], most: number, signal: AbortSignal): Promise<void>
  /** Forgets what was over before a time. */
  forget(before: number): void
}

export function shortGuide(
  db: Database,
  { askShort, clock, log }: { readonly askShort: AskShort | undefined; readonly clock: Clock; readonly log: Logger },
): ShortGuide {
  const between = db.prepare<[number, number, number], ShortSlot>(`
    select start, stop, content from short_programme where channel_id = ? and start < ? and stop > ? order by start`)
  const askedAt = db.prepare<[], { channelId: number; at: number }>(`
    select channel_id as channelId, asked_at as at from short_asked`)
  const note = db.prepare<[number, number]>(`
    insert into short_asked values (?, ?) on conflict (channel_id) do update set asked_at = excluded.asked_at`)
  const clear = db.prepare<[number]>(`delete from short_programme where channel_id = ?`)
  const add = db.prepare<[number, number, number, string]>(`insert or ignore into short_programme values (?, ?, ?, ?)`)
  const forget = db.prepare<[number]>(`delete from short_programme where stop <= ?`)
  const replace = db.transaction((channelId: number, programmes: readonly ShortProgramme[]) => {
    clear.run(channelId)
    for (const programme of programmes) {
      const content = contentOf(programme)
      if (content !== undefined) add.run(channelId, programme.start, programme.stop, content)
    }
  })

  async function askAbout(
    channel: GuideChannel,
    ask: AskShort,
    silent: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    for (const upstream of channel.upstreams.slice(0, maxUpstreams)) {
      if (silent.has(upstream.accountId)) continue
      const answer = await ask(upstream, limit, signal)
      if (answer === undefined)
        silent.add(upstream.accountId) // it has no such question
      else if (answer.length > 0) return replace(channel.id, answer)
    }
  }

  return {
    programmes: (channelId, from, to) => between.all(channelId, to, from),
    forget: before => void forget.run(before),
    async ask(channels, most, signal) {
      if (askShort === undefined) return
      const last = new Map(askedAt.all().map(({ channelId, at }) => [channelId, at]))
      const waiting = channels
        .filter(({ upstreams }) => upstreams.length > 0)
        .toSorted((a, b) => (last.get(a.id) ?? 0) - (last.get(b.id) ?? 0))
        .slice(0, most)
        .values()
      const silent = new Set<string>()
      let failures = 0
      const work = async () => {
        for (const channel of waiting) {
          if (failures >= maxFailures) return
          note.run(channel.id, clock.now())
          try {
            await askAbout(channel, askShort, silent, signal)
            failures = 0
          } catch (error) {
            signal.throwIfAborted()
            failures++
            log.debug({ channelId: channel.id, error }, 'a provider did not tell what is on')
          }
        }
      }
      await Promise.all(Array.from({ length: concurrency }, work))
      signal.throwIfAborted()
    },
  }
}

function contentOf({ title, description, start, stop }: ShortProgramme): string | undefined {
  if (!(Number.isFinite(start) && Number.isFinite(stop))) return undefined
  const children = [element('title', title), ...(description === undefined ? [] : [element('desc', description)])]
  return programmeContent(element('programme', children), start)
}
