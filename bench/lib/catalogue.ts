import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Catalog,
  type MeasuredFacts,
  type Node,
  openCatalog,
  openCatalogWriter,
  type ProviderSnapshot,
} from '../../src/catalog/index.ts'
import type { Config } from '../../src/config/index.ts'
import { silentLog } from '../../src/lib/log.ts'

/** Results recorded in one transaction. */
const batch = 5_000

/** Brings the catalogue of a server that is not running up to a snapshot, every stream of it measured. */
export async function fillCatalogue(
  config: Config,
  snapshot: ProviderSnapshot,
  factsOf: (locator: string) => MeasuredFacts,
): Promise<void> {
  const path = catalogPath(config)
  mkdirSync(config.data, { recursive: true })
  using writer = openCatalogWriter(path, { libraries: config.libraries, ...config.sync, log: silentLog })
  const { sections, episodes } = await writer.sync(snapshot, { signal: new AbortController().signal })
  const troubles = [...sections.map(({ message }) => message), episodes.stopped].filter(text => text !== undefined)
  if (troubles.length > 0) throw new Error(`The catalogue could not be made: ${troubles.join('; ')}`)
  using catalog = openCatalog(path)
  for (;;) {
    const due = catalog.toMeasure(snapshot.accountId, batch, Date.now())
    if (due.length === 0) return
    writer.record(due.map(({ variantId, locator }) => ({ variantId, facts: factsOf(locator) })))
  }
}

export const catalogPath = ({ data }: Config) => join(data, 'catalog.sqlite')

/** Every node below the root with its path, directories before what they hold. */
export function* nodesOf(catalog: Catalog, directory = catalog.root, path = ''): Generator<[path: string, node: Node]> {
  for (const node of catalog.children(directory, 0, Number.MAX_SAFE_INTEGER)) {
    const at = `${path}/${node.name}`
    yield [at, node]
    if (node.kind === 'directory') yield* nodesOf(catalog, node.id, at)
  }
}
