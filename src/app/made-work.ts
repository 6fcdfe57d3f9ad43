import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Catalog } from '../catalog/index.ts'

/** Removes what is left of making a title. */
export async function removeWork(directory: string, variantId: number): Promise<void> {
  await rm(join(directory, String(variantId)), { recursive: true, force: true })
}

/** Removes what is left of titles that are not listed any more, or need no making. */
export async function removeOldWork(directory: string, catalog: Catalog): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const variant = /^\d+$/.test(name) ? catalog.describe(Number(name)) : undefined
    const made = variant?.renditionId != null && catalog.rendition(variant.renditionId)?.form === 'made'
    if (variant === undefined || !(variant.toMake || made))
      await rm(join(directory, name), { recursive: true, force: true })
  }
}
