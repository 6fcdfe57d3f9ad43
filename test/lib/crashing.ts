import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '../../src/lib/sqlite.ts'

/** What tests that kill the server at random moments have in common. */

/** In [0, 1): the same sequence for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** As if all of the cache had been used a while ago: what was used just now is never evicted. */
export function ageCache(data: string): void {
  const path = join(data, 'cache/cache.sqlite')
  if (!existsSync(path)) return // killed before there was one
  const db = openDatabase(path)
  const isThere = db.prepare("select 1 from sqlite_schema where name = 'file'").get() !== undefined
  if (isThere) db.exec('update file set used_at = used_at - 60000')
  db.close()
}

/** Ports of the loopback that nobody had a moment ago: a server that is started again has to have the same. */
export async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()]
  const ports: number[] = []
  for (const server of servers) {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as { port: number }).port)
  }
  for (const server of servers) await new Promise(resolve => server.close(resolve))
  return ports
}

export const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))
