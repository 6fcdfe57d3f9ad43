import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Access, type AccessOptions, openAccess } from '../../src/access/index.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { Secret } from '../../src/lib/secret.ts'

export const adminToken = 'correct-horse-battery'
export const bearer = { authorization: `Bearer ${adminToken}` }
export const sessionLimits = { idleMs: 7 * 86_400_000, lifetimeMs: 30 * 86_400_000 }

export interface AccessSetup extends Partial<Omit<AccessOptions, 'password'>> {
  readonly password?: string
  readonly clock?: Clock
}

/** The real thing, in a directory of its own. */
export async function accessFor(
  t: Test,
  { password, clock = systemClock, ...changes }: AccessSetup = {},
): Promise<Access> {
  const directory = changes.directory ?? dataDirectory(t)
  const options = { directory, tokens: [new Secret(adminToken)], sessions: sessionLimits, ...changes }
  const access = await openAccess(
    { ...options, ...(password !== undefined && { password: new Secret(password) }) },
    clock,
  )
  t.teardown(() => access[Symbol.dispose]())
  return access
}

export function dataDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-access-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
