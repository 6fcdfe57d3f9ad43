import type { Rendition as CatalogRendition } from '../catalog/index.ts'
import type { Rendition } from '../materialize/index.ts'

/** A rendition of the catalogue's in the words of the materializer. */
export function asPublished(rendition: CatalogRendition): Rendition {
  return rendition.form === 'made' ? { ...rendition, costly: true } : rendition
}
