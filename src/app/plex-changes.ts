import { setImmediate as immediate } from 'node:timers/promises'
import type { Catalog, Changes, NodeId } from '../catalog/index.ts'
import { pathBelow } from '../lib/host-paths.ts'

/** Deeper than any folder of the tree. */
const maxDepth = 8

/** Folders that are named at once: about a millisecond. */
const batch = 100

/**
 * Folders that changed or are gone, as the host of Plex sees them, some at a time. Those that are very many are not named: Plex
 * finds them at its own next scan.
 */
export async function* changedFolders(
  { directories, gone = [] }: Changes,
  catalog: Pick<Catalog, 'root' | 'node'>,
  mount: string,
): AsyncGenerator<readonly string[]> {
  yield gone.map(names => pathBelow(mount, ...names))
  if (directories === 'all') return
  for (let at = 0; at < directories.length; at += batch) {
    await immediate() // reads of files go first
    yield directories.slice(at, at + batch).flatMap(id => {
      const names = namesOf(id, catalog)
      return names === undefined ? [] : [pathBelow(mount, ...names)]
    })
  }
}

/** Undefined for a folder that is no longer there. */
function namesOf(id: NodeId, catalog: Pick<Catalog, 'root' | 'node'>): readonly string[] | undefined {
  const names: string[] = []
  for (let at = id; at !== catalog.root; ) {
    const node = catalog.node(at)
    if (node === undefined || names.length > maxDepth) return undefined
    names.unshift(node.name)
    at = node.parentId
  }
  return names
}
