import { BackupError } from './errors.ts'
import type { KeptFile } from './model.ts'

/** One file of a backup. */
export interface ManifestFile {
  readonly name: string
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string
  /** The version of a database's schema. */
  readonly schema?: number
}

/** The first entry of a backup: what made it, and what else is in it. */
export interface Manifest {
  readonly format: number
  /** The version of the program. */
  readonly version: string
  /** ISO 8601. */
  readonly madeAt: string
  readonly files: readonly ManifestFile[]
}

export const manifestName = 'manifest.json'
export const manifestFormat = 1
export const maxManifestBytes = 64 * 1024

/** @throws BackupError `damaged` for what is no manifest, `newer` for one that holds what this program does not know. */
export function parseManifest(text: string, kept: readonly KeptFile[]): Manifest {
  const manifest = manifestIn(text)
  for (const { name, schema } of manifest.files) {
    const known = kept.find(file => file.name === name)
    if (known === undefined) throw newer(manifest, `it holds ${name}, which this program does not know`)
    if ((schema ?? 0) > (known.schema ?? 0)) {
      throw newer(manifest, `the schema of ${name} is version ${schema}, this program knows ${known.schema}`)
    }
  }
  const missing = kept.find(
    ({ name, isRequired }) => isRequired === true && !manifest.files.some(file => file.name === name),
  )
  if (missing !== undefined) throw new BackupError('damaged', `The backup is not whole: ${missing.name} is not in it`)
  return manifest
}

function manifestIn(text: string): Manifest {
  const manifest = parsed(text)
  // Before anything else is expected of it: another format may look otherwise.
  if (Number.isInteger(manifest?.format) && manifest!.format > manifestFormat)
    throw newer(manifest!, `its format is ${manifest!.format}, this program knows ${manifestFormat}`)
  if (manifest != null && isManifest(manifest)) return manifest
  throw new BackupError('damaged', `The backup's ${manifestName} makes no sense`)
}

function parsed(text: string): Manifest | null | undefined {
  try {
    return JSON.parse(text) as Manifest | null
  } catch {
    return undefined
  }
}

const newer = ({ version }: Manifest, what: string): BackupError =>
  new BackupError(
    'newer',
    `The backup was made by reelport ${version}: ${what}. Restore it with that version, or a newer one`,
  )

function isManifest({ format, version, madeAt, files }: Manifest): boolean {
  if (!Number.isInteger(format) || typeof version !== 'string' || typeof madeAt !== 'string') return false
  return Array.isArray(files) && files.every(isFile) && new Set(files.map(({ name }) => name)).size === files.length
}

function isFile({ name, bytes, sha256, schema }: ManifestFile): boolean {
  const isVersion = schema === undefined || Number.isInteger(schema)
  return typeof name === 'string' && Number.isSafeInteger(bytes) && /^[0-9a-f]{64}$/.test(sha256) && isVersion
}
