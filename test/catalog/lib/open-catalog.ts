import { join } from 'node:path'
import {
  type Catalog,
  type CatalogWriter,
  type Changes,
  type LibraryOptions,
  type Measurement,
  openCatalog,
  openCatalogWriter,
} from '../../../src/catalog/index.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { TestClock } from '../../lib/test-clock.ts'

export const day = 24 * 3_600_000
export const libraries: readonly LibraryOptions[] = [
  { name: 'Movies', kind: 'movies', filter: {} },
  { name: 'TV', kind: 'shows', filter: {} },
]

export interface Opened extends Disposable {
  readonly path: string
  readonly writer: CatalogWriter
  readonly catalog: Catalog
  readonly clock: TestClock
}

/** A catalogue in `directory` with its writer, its reader and a clock that stands still. */
export function open(
  directory: string,
  options: { libraries?: readonly LibraryOptions[]; graceMs?: number; accounts?: readonly string[] } = {},
): Opened {
  const path = join(directory, 'catalog.sqlite')
  const clock = new TestClock()
  const writer = openCatalogWriter(path, { libraries, graceMs: 7 * day, log: silentLog, clock, ...options })
  const catalog = openCatalog(path)
  return {
    path,
    writer,
    catalog,
    clock,
    [Symbol.dispose]() {
      catalog[Symbol.dispose]()
      writer[Symbol.dispose]()
    },
  }
}

export const sizeOf = (locator: string) =>
  1000 + [...locator].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 100_000, 7)

/** Measures everything that is due; the size follows from the locator unless `facts` says otherwise. */
export function measureAll(
  { catalog, writer, clock }: Opened,
  accountId = 'one',
  facts: (locator: string) => object = locator => ({ size: sizeOf(locator) }),
): number {
  let measured = 0
  for (;;) {
    const due = catalog.toMeasure(accountId, 500, clock.now())
    if (due.length === 0) return measured
    measured += due.length
    const base = { container: 'mkv', ranged: true }
    writer.record(
      due.map(({ variantId, locator }) => ({ variantId, facts: { ...base, ...facts(locator) } }) as Measurement),
    )
  }
}

/** The directories that `changes` name. */
export const changed = ({ directories }: Changes): readonly number[] => (directories === 'all' ? [] : directories)

/** Every file's path, with its node's id. */
export function paths({ catalog }: { catalog: Catalog }): Map<string, number> {
  const found = new Map<string, number>()
  const walk = (directory: number, prefix: string) => {
    for (let after = 0; ; ) {
      const page = catalog.children(directory, after, 100)
      for (const { id, kind, name } of page) {
        if (kind === 'file') found.set(`${prefix}${name}`, id)
        else walk(id, `${prefix}${name}/`)
      }
      if (page.length === 0) return
      after = page.at(-1)!.id
    }
  }
  walk(catalog.root, '')
  return found
}
