import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { databaseFiles } from '../lib/sqlite.ts'
import { passwordIn, sessionsIn } from './files.ts'

/**
 * Lets whoever may look and change in one data directory do so in another that has no password yet, in the same session. No server
 * may run on either. Files stay readable for their owner only.
 */
export function carryAccess(from: string, to: string): void {
  if (existsSync(passwordIn(to)) || !existsSync(passwordIn(from))) return
  // without its password no session was worth anything
  for (const path of databaseFiles(sessionsIn(to))) rmSync(path, { force: true })
  for (const pathIn of [sessionsIn, passwordIn]) copyFileSync(pathIn(from), pathIn(to))
}
