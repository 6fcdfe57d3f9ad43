import { readFileSync, rmSync, statSync } from 'node:fs'
import { writePrivate } from '../lib/private-file.ts'
import type { Secret } from '../lib/secret.ts'
import { passwordIn } from './files.ts'
import { AccessError, hashPassword, isPassword, type PasswordHash } from './password.ts'

/** Who said what the password is. */
export type PasswordOrigin = 'settings' | 'command'

interface PasswordRecord extends PasswordHash {
  readonly from: PasswordOrigin
}

/** Keeps the hash of a password in the data directory; a server that runs there uses it from its next request on. @throws AccessError. */
export async function keepPassword(directory: string, password: Secret, from: PasswordOrigin): Promise<void> {
  const path = passwordIn(directory)
  const record: PasswordRecord = { from, ...(await hashPassword(password)) }
  writePrivate(path, `${JSON.stringify(record)}\n`)
}

/** From then on nobody can sign in, and every session has ended. */
export function removePassword(directory: string): void {
  rmSync(passwordIn(directory), { force: true })
}

/** Makes what is kept follow the settings: what they say is the password, and what they said once and no longer say is none. */
export async function followSettings(directory: string, password: Secret | undefined): Promise<void> {
  const kept = new PasswordFile(directory).current()
  if (password === undefined) {
    if (kept?.from === 'settings') removePassword(directory)
    return
  }
  // the same password stays the same record, and so sessions go on
  if (kept?.from === 'settings' && (await isPassword(password, kept))) return
  await keepPassword(directory, password, 'settings')
}

/** The record in the data directory as it is now. */
export class PasswordFile {
  readonly #path: string
  #version = ''
  #record: PasswordRecord | undefined

  constructor(directory: string) {
    this.#path = passwordIn(directory)
  }

  /** Undefined while there is none. Looks each time whether the file is another one. @throws AccessError when it is damaged. */
  current(): PasswordRecord | undefined {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    const version = stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`
    if (version !== this.#version) {
      this.#record = stat === undefined ? undefined : this.#read()
      this.#version = version
    }
    return this.#record
  }

  #read(): PasswordRecord {
    try {
      const record = JSON.parse(readFileSync(this.#path, 'utf8')) as PasswordRecord
      if (Buffer.from(record.hash, 'base64').length > 0 && record.salt !== '' && record.cost > 1) return record
    } catch {} // said below
    throw new AccessError(`${this.#path} is damaged: set the password anew with "reelport password"`)
  }
}
