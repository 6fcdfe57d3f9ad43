import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** An OpenAPI document, as far as it judges answers. */
export interface ApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export interface Operation {
  readonly summary?: string
  readonly security?: readonly object[]
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { readonly schema: object }> }>>
}

/** What is wrong with the document by OpenAPI's own schema; undefined when nothing is. */
export async function faultsOf(document: ApiDocument): Promise<unknown> {
  const { valid, errors } = await new Validator().validate({ ...document })
  return valid ? undefined : errors
}

/**
 * Compares answers with what the document says of them, and is stricter than it: a member that it does not name is a fault, too.
 */
export class ApiJudge {
  readonly #ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true })
  readonly #document: ApiDocument
  /** Operations of which an answer was seen, such as `GET /api/status`. */
  readonly seen = new Set<string>()

  constructor(document: ApiDocument) {
    this.#document = document
  }

  /** What is wrong with an answer, in words; empty when nothing is. */
  faults(method: string, path: string, status: number, contentType: string | null, body: unknown): readonly string[] {
    const operation = this.#document.paths[path]?.[method.toLowerCase()]
    if (operation === undefined) return [`${method} ${path} is not in the document`]
    this.seen.add(`${method} ${path}`)
    const response = operation.responses[status] ?? operation.responses.default
    if (response === undefined) return [`status ${status} is not in the document`]
    if (response.content === undefined)
      return body === undefined ? [] : ['an answer that should have no content has some']
    const schema = response.content[contentType?.split(';')[0] ?? '']?.schema
    if (schema === undefined) return [`${contentType} is not in the document`]
    const isRight = this.#ajv.compile(closed(schema) as object)
    return isRight(body)
      ? []
      : isRight.errors!.map(
          ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
        )
  }
}

/** The schema with no room for members that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  return 'properties' in schema && !('additionalProperties' in schema)
    ? { ...inner, additionalProperties: false }
    : inner
}
