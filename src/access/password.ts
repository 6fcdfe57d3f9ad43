import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../lib/secret.ts'

/** What a password cannot be used for, or is not fit for. */
export class AccessError extends Error {
  override name = 'AccessError'
}

/** What is kept of a password: enough to recognise it, and to make each guess cost what it cost here. */
export interface PasswordHash {
  /** scrypt's N, r and p (RFC 7914). */
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
  /** Base64. */
  readonly salt: string
  readonly hash: string
}

/** NIST SP 800-63B section 5.1.1.2. */
export const minPasswordCharacters = 8
const maxPasswordCharacters = 1_024

/** Among those that the OWASP cheat sheet on password storage recommends, the one that needs the least memory: 32 MiB. */
const costs = { cost: 2 ** 15, blockSize: 8, parallelization: 3 } as const
const saltBytes = 16
const hashBytes = 32

/** @throws AccessError when it is too short or too long. */
export async function hashPassword(password: Secret): Promise<PasswordHash> {
  const { length } = [...password.reveal()]
  if (length < minPasswordCharacters || length > maxPasswordCharacters)
    throw new AccessError(
      `A password has ${minPasswordCharacters} to ${maxPasswordCharacters} characters; this one has ${length}`,
    )
  const salt = randomBytes(saltBytes)
  const hash = await derived(password, salt, costs)
  return { ...costs, salt: salt.toString('base64'), hash: hash.toString('base64') }
}

/** Takes the same time however much of it is right. */
export async function isPassword(password: Secret, kept: PasswordHash): Promise<boolean> {
  if (password.reveal().length > maxPasswordCharacters * 2) return false
  const hash = await derived(password, Buffer.from(kept.salt, 'base64'), kept)
  return timingSafeEqual(hash, Buffer.from(kept.hash, 'base64'))
}

type Costs = Pick<PasswordHash, 'cost' | 'blockSize' | 'parallelization'>

/** The same letters in other bytes (an accent typed on another keyboard) are the same password. */
function derived(password: Secret, salt: Buffer, { cost, blockSize, parallelization }: Costs): Promise<Buffer> {
  const options: ScryptOptions = { cost, blockSize, parallelization, maxmem: 256 * cost * blockSize }
  return new Promise((resolve, reject) =>
    scrypt(password.reveal().normalize('NFC'), salt, hashBytes, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    ),
  )
}
