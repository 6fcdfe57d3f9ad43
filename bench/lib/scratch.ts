import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** A directory for one benchmark's data, which is kept, so that what takes minutes to build is built once. */
export function scratchDirectory(name: string): string {
  const path = join(process.env.REELPORT_BENCH_DIRECTORY ?? join(tmpdir(), `reelport-bench-${userInfo().uid}`), name)
  mkdirSync(path, { recursive: true })
  return path
}
