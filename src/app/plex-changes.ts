import type { Catalog, Changes } from '../catalog/index.ts'
import { mountedAt } from './plex-wanted.ts'

/** Deeper than any folder of the tree. */
const maxDepth = 8

/**
 * Folders that changed, as the host of Plex sees them. Those that are gone have no name any more, and those that are many are
 * not named: Plex finds both at its own next scan.
 */
export function changedFolders(
  { directories }: Changes,
  catalog: Pick<Catalog, 'root' | 'node'>,
  mount: string,
): readonly string[] {
  if (directories === 'all') return []
  return directories.flatMap(id => {
    const names: string[] = []
    for (let at = id; at !== catalog.root; ) {
      const node = catalog.node(at)
      if (node === undefined || names.length > maxDepth) return []
      names.unshift(node.name)
      at = node.parentId
    }
    return [mountedAt(mount, ...names)]
  })
}
