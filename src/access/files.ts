import { join } from 'node:path'

/** Where the hash of a data directory's password is. */
export const passwordIn = (directory: string): string => join(directory, 'password.json')
/** Where its sessions are. */
export const sessionsIn = (directory: string): string => join(directory, 'sessions.sqlite')
