import type { Catalog, Changes } from '../catalog/index.ts'
import { pathBelow } from '../lib/host-paths.ts'

/** Deeper than any folder of the tree. */
const maxDepth = 8

/**
 * Folders that changed or are gone, as the host of Plex sees them. Those that are very many are not named: Plex finds them at its
 * own next scan.
 */
export function changedFolders(
  { directories, gone = [] }: Changes,
  catalog: Pick<Catalog, 'root' | 'node'>,
  mount: string,
): readonly string[] {
  const removed = gone.map(names => pathBelow(mount, ...names))
  if (directories === 'all') return removed
  const changed = directories.flatMap(id => {
    const names: string[] = []
    for (let at = id; at !== catalog.root; ) {
      const node = catalog.node(at)
      if (node === undefined || names.length > maxDepth) return []
      names.unshift(node.name)
      at = node.parentId
    }
    return [pathBelow(mount, ...names)]
  })
  return [...removed, ...changed]
}
