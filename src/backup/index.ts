/** Everything of a data directory that cannot be had again, in one file, and back from it. */
export { BackupError, type BackupErrorCode } from './errors.ts'
export type { Manifest, ManifestFile } from './manifest.ts'
export type { KeptFile } from './model.ts'
export { decide, finishRestore, type RestoreTarget, stage } from './place.ts'
export { readBackup } from './read.ts'
export { writeBackup } from './write.ts'
