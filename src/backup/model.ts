/** A file of the data directory that must not be lost. */
export interface KeptFile {
  readonly name: string
  /** Of a database: the newest version of its schema that this program knows. Not given for a plain file. */
  readonly schema?: number
  /** Without it there is nothing to back up. */
  readonly isRequired?: boolean
}
