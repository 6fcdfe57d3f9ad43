/** Words for JSON Schema (2020-12, as OpenAPI 3.1 has it). */

export interface Schema {
  readonly [keyword: string]: unknown
}

/** Every member is there, but for those of `optional`. */
export function object(members: Record<string, Schema>, optional: Record<string, Schema> = {}): Schema {
  return { type: 'object', properties: { ...members, ...optional }, required: Object.keys(members) }
}

/** The members of both. Both have to be objects. */
export function extended(base: Schema, members: Record<string, Schema>): Schema {
  const { properties, required } = base as { properties: Record<string, Schema>; required: readonly string[] }
  return { type: 'object', properties: { ...properties, ...members }, required: [...required, ...Object.keys(members)] }
}

export const list = (items: Schema): Schema => ({ type: 'array', items })
export const either = (...choices: readonly Schema[]): Schema => ({ anyOf: choices })
export const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values })
export const orNull = (schema: Schema): Schema => either(schema, { type: 'null' })
/** A number for each key. */
export const counts: Schema = { type: 'object', additionalProperties: { type: 'number' } }
export const described = (schema: Schema, description: string): Schema => ({ ...schema, description })

export const text: Schema = { type: 'string' }
export const texts = list(text)
export const flag: Schema = { type: 'boolean' }
export const count: Schema = { type: 'integer', minimum: 0 }
export const id: Schema = { type: 'integer', minimum: 0 }
export const number: Schema = { type: 'number' }
export const bytes = described(count, 'Bytes.')
export const time: Schema = { type: 'integer', description: 'Milliseconds since the epoch.' }
