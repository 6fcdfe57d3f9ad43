import { copyFileSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const password = 'password.json'
const sessions = 'sessions.sqlite'

/**
 * Lets whoever may look and change in one data directory do so in another that has no password yet, in the same session. No server
 * may run on either. Files stay readable for their owner only.
 */
export function carryAccess(from: string, to: string): void {
  if (existsSync(join(to, password)) || !existsSync(join(from, password))) return
  // without its password no session was worth anything
  for (const left of ['', '-wal', '-shm']) rmSync(join(to, `${sessions}${left}`), { force: true })
  for (const name of [sessions, password]) copyFileSync(join(from, name), join(to, name))
}
