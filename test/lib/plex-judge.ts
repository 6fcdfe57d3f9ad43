import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const require = createRequire(import.meta.url)

interface Parameter {
  readonly name: string
  readonly style?: string
  readonly explode?: boolean
  readonly schema?: { readonly type?: string }
}
interface Operation {
  readonly method: string
  readonly path: string
  readonly request?: { readonly query?: readonly Parameter[] }
}
interface Diagnostic {
  readonly path?: readonly string[]
  readonly message: string
}

/**
 * Requests that the OpenAPI description lacks, and who else documents them by sending them: python-plexapi (`browse`, `agents`, and
 * libraries and scans the way of older servers),
 * every set-up script for live TV that was found (the grabber's own way to add a device), plex.tv's sign-in guide (pins).
 */
const documentedElsewhere: readonly RegExp[] = [
  /^GET \/services\/browse\/[^/]+$/,
  /^GET \/system\/agents$/,
  /^POST \/library\/sections$/,
  /^GET \/library\/sections\/\d+\/refresh$/,
  /^POST \/media\/grabbers\/tv\.plex\.grabbers\.hdhomerun\/devices$/,
  /^POST \/api\/v2\/pins$/,
  /^GET \/api\/v2\/pins\/\d+$/,
]

/** Says what is wrong with a request, after Plex's public OpenAPI description and by Prism's validator; empty for nothing. */
export interface PlexJudge {
  judge(method: string, url: string, headers: Readonly<Record<string, string>>): readonly string[]
}

let judge: Promise<PlexJudge> | undefined

/** The one judge of a process: reading the description takes a second. */
export function plexJudge(): Promise<PlexJudge> {
  judge ??= readDescription()
  return judge
}

async function readDescription(): Promise<PlexJudge> {
  const file = join(import.meta.dirname, '../plex/openapi/plex-media-server-1.1.1.yaml.gz')
  const document = require('yaml').parse(gunzipSync(readFileSync(file)).toString('utf8'))
  const { getHttpOperationsFromSpec } = require('@stoplight/prism-http')
  const { validateInput } = require('@stoplight/prism-http/dist/validator')
  const operations: readonly Operation[] = await getHttpOperationsFromSpec(document)
  const patterns = operations.map(operation => ({ operation, pattern: patternOf(operation.path) }))

  return {
    judge(method, url, headers) {
      const { pathname, searchParams } = new URL(url, 'http://plex')
      if (documentedElsewhere.some(pattern => pattern.test(`${method} ${pathname}`))) return []
      const fitting = patterns
        .filter(({ operation, pattern }) => operation.method === method.toLowerCase() && pattern.test(pathname))
        .map(({ operation }) => operation)
        .toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)[0]
      if (fitting === undefined) return [`no such request is documented: ${method} ${pathname}`]
      const { query, unknown } = sorted(fitting.request?.query ?? [], searchParams)
      const element = { method: fitting.method, url: { path: pathname, query }, headers }
      const result = validateInput({ resource: fitting, element })
      const wrong: readonly Diagnostic[] = result._tag === 'Left' ? result.left : []
      return [...unknown, ...wrong.map(({ message, path }) => `${(path ?? []).join('.')}: ${message}`)].map(
        text => `${method} ${pathname}: ${text}`,
      )
    },
  }
}

function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replace(/\{[^}]+\}/g, '[^/]+')
  return new RegExp(`^${escaped}$`)
}

/**
 * Prism takes no notice of names that are not in the description, and knows no objects that are spread over the query (style
 * form, explode): both are seen to here. Every name has to be a parameter, `parameter[key]` of a deep object, or a member of the
 * one spread object.
 */
function sorted(parameters: readonly Parameter[], given: URLSearchParams) {
  const query: Record<string, string | string[]> = {}
  const unknown: string[] = []
  const spread = parameters.find(({ schema, style }) => schema?.type === 'object' && style !== 'deepObject')
  for (const name of new Set(given.keys())) {
    const base = name.replace(/\[.*\]$/, '')
    const parameter = parameters.find(parameter => parameter.name === base)
    const values = given.getAll(name)
    if (parameter !== undefined && (base === name || parameter.style === 'deepObject'))
      query[name] = values.length === 1 ? values[0]! : values
    else if (spread !== undefined) query[spread.name] = '{}'
    else unknown.push(`the query has ${name}, which is not documented`)
  }
  return { query, unknown }
}
