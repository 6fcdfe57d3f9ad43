import { Mountstat3 } from '@nfs/protocol-rpc'
import type { FileId } from './file-tree.ts'
import type { Node, Nodes } from './nodes.ts'

/** What part of the tree may be mounted, and where it ends upwards. */
export class Exports {
  /** As they are configured, made canonical: `/`, `/Movies`. */
  readonly paths: readonly string[]
  readonly #nodes: Nodes
  #tops: ReadonlySet<FileId> | undefined

  constructor(paths: readonly string[], nodes: Nodes) {
    this.paths = [...new Set(paths.map(path => `/${componentsOf(path).join('/')}`))]
    this.#nodes = nodes
  }

  /** The node of a path to be mounted: an export or a directory below one, with or without a slash at its end. */
  mountable(path: string): Node | Exclude<Mountstat3, 0> {
    const components = componentsOf(path)
    if (components.includes('.') || components.includes('..')) return Mountstat3.NOENT
    const canonical = `/${components.join('/')}`
    const isBelow = (top: string) => top === '/' || canonical === top || canonical.startsWith(`${top}/`)
    if (!this.paths.some(isBelow)) return Mountstat3.ACCES
    const node = this.#walk(components)
    if (node === undefined) return Mountstat3.NOENT
    return node.isDirectory ? node : Mountstat3.NOTDIR
  }

  /** What `..` is: the directory above, and at the top of an export the export itself, so that nobody climbs out of it. */
  above(directory: Node): Node {
    this.#tops ??= new Set(this.paths.flatMap(path => this.#walk(componentsOf(path))?.id ?? []))
    if (!this.paths.includes('/') && this.#tops.has(directory.id)) return directory
    return this.#nodes.byId(directory.parent) ?? directory
  }

  /** The tree has changed, so that an export may be another directory now. */
  forget(): void {
    this.#tops = undefined
  }

  #walk(components: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#nodes.root()
    for (const name of components) node = node?.isDirectory ? this.#nodes.child(node, name) : undefined
    return node
  }
}

function componentsOf(path: string): readonly string[] {
  return path.split('/').filter(component => component !== '')
}
