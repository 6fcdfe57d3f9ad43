import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePrivate } from '../lib/private-file.ts'
import type { Secret } from '../lib/secret.ts'
import type { BegunCollection } from '../plex/index.ts'

/** What is kept about Plex in the data directory: who we are to it, and whether it is to be watched. */
export interface PlexNote {
  /** Permanent for an installation. */
  readonly clientId: string
  /** Names of the servers of which somebody ran the set-up, and has not removed it since. */
  readonly setUp: readonly string[]
  /** Rating keys of the collections that we made, by the name of their server. */
  readonly collections: Readonly<Record<string, readonly string[]>>
  /** The one that we were about to make, by the name of its server. */
  readonly begun?: Readonly<Record<string, BegunCollection>>
}

/** The note; a first one when there is none, or none that can be read. */
export function readPlexNote(data: string): PlexNote {
  try {
    const note = JSON.parse(readFileSync(notePath(data), 'utf8')) as Partial<PlexNote>
    const { clientId, setUp = [], collections = {}, begun = {} } = note
    if (typeof clientId === 'string') return { clientId, setUp: [setUp].flat(), collections, begun }
  } catch {
    // There is none yet, or it was cut short: what is lost with it is a name.
  }
  const note = { clientId: randomUUID(), setUp: [], collections: {} }
  writePlexNote(data, note)
  return note
}

export function writePlexNote(data: string, note: PlexNote): void {
  writePrivate(notePath(data), JSON.stringify(note))
}

/** Keeps a token, readable by its owner only. */
export function writeLinkedToken(path: string, token: Secret): void {
  writePrivate(path, token.reveal())
}

const notePath = (data: string) => join(data, 'plex.json')
