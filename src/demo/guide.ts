import type { Catalogue } from './catalogue.ts'
import { halfHours } from './guide-half-hours.ts'
import { largeGuide } from './guide-large.ts'

/** How large the guide is; what a channel has in it follows from its id and the time. */
export interface GuideOptions {
  /** At least those of the catalogue; the others are nobody's. */
  readonly channels?: number
  /** From six hours before the present one on; 2 when left out. */
  readonly days?: number
  /** About as much as the document is to have: descriptions are as long as that takes. */
  readonly bytes?: number
}

/** What is on, as a provider tells it. */
export interface Guide {
  channels(): Iterable<GuideChannel>
  /** What is on at some time between two, in milliseconds since the epoch: the same ones whenever it is asked. */
  airings(guideId: string, from: number, to: number): Iterable<Airing>
  /** The time that the document covers; the same for all of an hour. */
  span(now: number): { readonly from: number; readonly to: number }
}

export interface GuideChannel {
  readonly id: string
  readonly name: string
  /** Where its times are told: minutes east of Greenwich. */
  readonly offsetMinutes: number
}

export interface Airing {
  readonly title: string
  readonly description: string
  /** Milliseconds since the epoch. */
  readonly start: number
  readonly stop: number
  /** What only some guides tell. */
  readonly details?: AiringDetails
}

export interface AiringDetails {
  /** ISO 639-1. */
  readonly language: string
  readonly subtitle?: string
  readonly director?: string
  readonly actors: readonly string[]
  readonly year?: number
  readonly categories: readonly string[]
  readonly icon: string
  /** From 1 on. */
  readonly episode?: { readonly season: number; readonly number: number }
  /** First shown now, or shown before. */
  readonly isNew: boolean
  readonly rating?: string
}

/** The guide of a catalogue: half hours of the same few programmes, or, with options, one of any size. */
export function guideOf(catalogue: Catalogue, options: GuideOptions | undefined): Guide {
  return options === undefined ? halfHours(catalogue) : largeGuide(catalogue, options)
}

/** The channels of a catalogue that have a guide, each once, with the first of their names. */
export function guideNames(catalogue: Catalogue): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { guideId, name } of catalogue.channels()) {
    if (guideId !== undefined && !names.has(guideId)) names.set(guideId, name)
  }
  return names
}
