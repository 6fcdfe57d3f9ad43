import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../lib/log.ts'
import { databaseFiles } from '../lib/sqlite.ts'

const ownerName = 'catalogue'
/** Everything in the cache that is known by an id of the catalogue. */
const byId = [...databaseFiles('cache.sqlite'), 'files', 'making', 'sidecars']

/**
 * Empties a cache that is another catalogue's: the same ids stand for other bytes there. That is met when another
 * installation's backup was restored beside a cache that stayed. One that says nothing of whose it is, is this catalogue's.
 */
export function claimCache(directory: string, fsid: string, log: Logger): void {
  const note = join(directory, ownerName)
  const owner = ownerIn(note)
  if (owner === fsid) return
  if (owner !== undefined) {
    log.warn({ directory }, 'The cache is that of another catalogue; it starts empty')
    for (const name of byId) rmSync(join(directory, name), { recursive: true, force: true })
  }
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    writeFileSync(note, fsid, { mode: 0o600 })
  } catch {
    // Whatever is wrong with the directory is said better by what opens the cache next.
  }
}

function ownerIn(note: string): string | undefined {
  try {
    return readFileSync(note, 'utf8')
  } catch {
    return undefined
  }
}
