import type { Catalog, VariantDescription } from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import { type MadeFile, type MakingPorts, makeFile } from '../making/index.ts'
import type { Materializer } from '../materialize/index.ts'
import type { MakeOptions, Maker } from '../queue/index.ts'
import type { CatalogThread } from './catalog-thread.ts'
import { removeWork } from './made-work.ts'
import type { Partials } from './partials.ts'
import { asPublished } from './published.ts'

export interface MakerDeps {
  readonly catalog: Catalog
  readonly thread: Pick<CatalogThread, 'record'>
  readonly materializer: Materializer
  readonly ports: MakingPorts
  /** Where titles are made: on the cache's disk. */
  readonly directory: string
  readonly partials: Partials
  readonly log: Logger
}

/** Why a title cannot be made at all, or not yet. */
export class MakerError extends Error {
  override name = 'MakerError'
  readonly code: 'gone' | 'not-looked-at' | 'no-space'
  readonly permanent: boolean

  constructor(code: MakerError['code'], message: string) {
    super(message)
    this.code = code
    this.permanent = code === 'gone'
  }
}

/**
 * Makes what the queue asks for: a file of a title that has none or had one that was evicted; of a title that is a file by
 * itself, all bytes are brought here.
 */
export function fileMaker(deps: MakerDeps): Maker {
  const { catalog, materializer } = deps
  return {
    async make(variantId, options) {
      const variant = catalog.describe(variantId)
      if (variant === undefined) throw new MakerError('gone', 'The provider no longer lists this title')
      const rendition = variant.renditionId === null ? undefined : catalog.rendition(variant.renditionId)
      if (rendition === undefined && !variant.toMake) {
        throw new MakerError('not-looked-at', 'It is not known yet what the provider serves for this title')
      }
      if (rendition !== undefined && materializer.state(rendition.id).complete) return
      if (rendition === undefined || rendition.form === 'made') await makeAndPublish(variant, options, deps)
      else await materializer.fill(asPublished(rendition), options)
    },
  }
}

async function makeAndPublish(
  { variantId, accountId, locator, stream, title, renditionId }: VariantDescription,
  { onProgress, ...options }: MakeOptions,
  { catalog, thread, materializer, ports, directory, partials, log }: MakerDeps,
): Promise<void> {
  using partial = partials.begin(variantId, title)
  const form = stream === 'ts' ? 'ts' : 'hls'
  const made = await makeFile(
    { variantId, accountId, locator, form },
    {
      ...options,
      directory,
      onProgress(progress) {
        partial.grown(progress.bytes)
        onProgress(progress)
      },
    },
    ports,
  )
  await thread.record([{ variantId, facts: factsOf(made), detection: { stream: form, reason: reasonOf(made, form) } }])
  const published = catalog.describe(variantId)?.renditionId
  const rendition = published == null ? undefined : catalog.rendition(published)
  if (rendition === undefined) throw new MakerError('gone', 'The provider no longer lists this title')
  if (!(await materializer.takeWhole(asPublished(rendition), made.path))) {
    throw new MakerError('no-space', 'The file is made, but the cache has no room for it now')
  }
  if (renditionId !== null && renditionId !== rendition.id) await materializer.forget([renditionId])
  await removeWork(directory, variantId)
  log.info({ variant: variantId, size: made.size, notes: made.notes }, 'Made a file')
}

const factsOf = ({ size, container, digest }: MadeFile) =>
  ({ size, container, form: 'made', ranged: true, etag: `"sha256-tree-${digest}"` }) as const

function reasonOf({ notes }: MadeFile, form: 'hls' | 'ts'): string {
  return [`made from ${form === 'ts' ? 'an MPEG transport stream' : 'an HLS playlist'}`, ...notes].join('; ')
}
