import { createHash } from 'node:crypto'

/** What is kept, or compared, of a secret that is random by itself: of equal length whatever it is, as timingSafeEqual needs. */
export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()
