/** As many as are changed in some 5 ms, so that nothing else is held up. */
const MAX_VARIANTS = 250

/** A stream, in requests. */
export const variantId = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const
/** Streams that something is done to. */
export const variantIds = { type: 'array', items: variantId, minItems: 1, maxItems: MAX_VARIANTS } as const
/** A body that names them. */
export const variants = { type: 'object', properties: { variantIds }, required: ['variantIds'] } as const

export interface Variants {
  readonly variantIds: readonly number[]
}
