import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../lib/sqlite.ts'
import { removeOthers } from './files.ts'
import type { GuideFile } from './model.ts'
import { isGuideFile, type WrittenGuide } from './write/guide-file.ts'

interface Row {
  readonly device: number
  readonly file: string
  readonly bytes: number
  readonly gzipBytes: number
  readonly etag: string
  readonly modifiedAt: number
  readonly previousFile: string | null
}

/** The finished guides, by device. */
export interface Outputs {
  latest(device: number): GuideFile | undefined
  /** This is the guide from now on. The one before stays until the next, for whoever is reading it. */
  replace(device: number, written: WrittenGuide, at: number): void
  /** Removes files that are no finished guide, or one that is no longer of use. */
  clean(devices?: readonly number[]): Promise<void>
}

export function outputs(db: Database, directory: string): Outputs {
  const columns = `device, file, bytes, gzip_bytes as gzipBytes, etag, modified_at as modifiedAt, previous_file as previousFile`
  const all = db.prepare<[], Row>(`select ${columns} from output`)
  const one = db.prepare<[number], Row>(`select ${columns} from output where device = ?`)
  const put = db.prepare<[Row]>(`
    insert or replace into output values (@device, @file, @bytes, @gzipBytes, @etag, @modifiedAt, @previousFile)`)
  const drop = db.prepare<[number]>(`delete from output where device = ?`)

  return {
    latest(device) {
      const row = one.get(device)
      if (row === undefined) return undefined
      const { file, bytes, gzipBytes, etag, modifiedAt } = row
      const path = join(directory, file)
      const gzipPath = `${path}.gz`
      // Somebody may have removed them; they come back with the next guide.
      return existsSync(path) && existsSync(gzipPath)
        ? { path, gzipPath, bytes, gzipBytes, etag, modifiedAt }
        : undefined
    },
    replace(device, written, at) {
      const before = one.get(device)
      if (before?.file === written.file) return
      put.run({ device, ...written, modifiedAt: at, previousFile: before?.file ?? null })
    },
    async clean(devices) {
      for (const { device } of all.all()) if (devices !== undefined && !devices.includes(device)) drop.run(device)
      const files = all.all().flatMap(({ file, previousFile }) => [file, previousFile ?? file])
      await removeOthers(directory, new Set(files.flatMap(file => [file, `${file}.gz`])), isGuideFile)
    },
  }
}
