import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { type Outcome, run } from './programs.ts'

/** kubectl and helm as they were fetched by `npm run kubernetes-tools`: the same versions everywhere. */

const tools = fileURLToPath(new URL('../../tools/kubernetes/bin', import.meta.url))

/** What tap takes as `skip`. */
export const withoutKubernetesTools: string | false =
  !existsSync(tools) && 'no kubectl and helm in tools/kubernetes (npm run kubernetes-tools fetches them)'

/** An object of Kubernetes, as it is written. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own fields, and their schemas check them
  readonly spec?: any
  readonly data?: Readonly<Record<string, string>>
}

/** What `kubectl kustomize` makes of a directory. @throws Error with its complaint. */
export async function kustomized(directory: string): Promise<readonly Manifest[]> {
  return manifests(await run(`${tools}/kubectl/kubectl`, ['kustomize', directory]))
}

/** Runs helm, which asks no cluster for what the tests do. */
export const helm = (...args: readonly string[]): Promise<Outcome> => run(`${tools}/helm/helm`, args)

/** The objects that a program printed as YAML. @throws Error with its complaint when it failed. */
export function manifests({ status, stdout, stderr }: Outcome): readonly Manifest[] {
  if (status !== 0) throw new Error(stderr)
  return parseAllDocuments(stdout).map(document => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS() as Manifest
  })
}
