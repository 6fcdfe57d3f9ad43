import { setImmediate as immediate } from 'node:timers/promises'
import type { Catalog } from '../catalog/index.ts'
import type { Config } from '../config/index.ts'
import { pathBelow } from '../lib/host-paths.ts'
import type { Wanted, WantedLibrary } from '../plex/index.ts'
import type { ServedTuner } from './live-tv.ts'
import { reachableBy } from './mounting.ts'

/** Folders of a library by which its mount is known again. */
const sampleSize = 4

export interface PlexWantedOptions {
  readonly config: Config
  readonly target: { readonly url: URL | undefined; readonly mount: string | undefined }
  readonly catalog: Pick<Catalog, 'root' | 'child' | 'children'>
  /** Undefined where the tuner is switched off. */
  readonly tuners: readonly ServedTuner[] | undefined
  readonly httpPort: number
}

/** What the configuration, the lineup and the catalogue want Plex to have. */
export function plexWanted({ config, target, catalog, tuners, httpPort }: PlexWantedOptions): Wanted {
  const { plex } = config
  const base = baseUrl(config, target.url?.href, httpPort)
  return {
    tuners:
      plex.liveTv && tuners !== undefined
        ? { base, language: plex.guideLanguage, tuners: tuners.map(tuner => tunerAt(tuner, base)) }
        : undefined,
    libraries:
      plex.libraries && target.mount !== undefined
        ? { language: plex.language, agent: plex.agent, libraries: librariesAt(target.mount, config, catalog) }
        : undefined,
  }
}

/** Where a media server at `url` reaches this one: what the configuration says, else this machine's address. */
export function baseUrl({ tuner, http }: Config, url: string | undefined, httpPort: number): string {
  if (tuner.baseUrl !== undefined) return tuner.baseUrl.url
  const { here, elsewhere } = reachableBy(http.host)
  const isHere = url !== undefined && /^(localhost|127\.|\[::1\])/.test(new URL(url).hostname)
  const host = isHere ? here : (elsewhere ?? here)
  return `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`
}

/** Titles that are asked for at once. */
const pageTitles = 200

/** By the folder of each title that is published, as the host of Plex sees it: the provider's categories. */
export async function categoriesAt(
  mount: string,
  catalog: Pick<Catalog, 'collectedTitles'>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for (let after = 0; ; ) {
    const page = catalog.collectedTitles(after, pageTitles)
    for (const { path, categories } of page) found.set(pathBelow(mount, ...path.split('/')), categories)
    const last = page.at(-1)
    if (last === undefined || page.length < pageTitles) return found
    after = last.folderId
    await immediate() // reads of files go first
  }
}

/** A device as a media server is to find it. */
export function tunerAt({ index, deviceId, name, channels, guideModifiedAt }: ServedTuner, base: string) {
  const uri = index === 0 ? base : `${base}/d${index}`
  return { deviceId, name, uri, guideUrl: `${uri}/guide.xml`, guideModifiedAt, channels }
}

function librariesAt(
  mount: string,
  { libraries }: Config,
  catalog: PlexWantedOptions['catalog'],
): readonly WantedLibrary[] {
  return libraries.map(({ name, kind }) => {
    const folder = catalog.child(catalog.root, name)
    const inside = folder === undefined ? [] : catalog.children(folder.id, 0, sampleSize)
    const sample = inside.filter(({ kind }) => kind === 'directory').map(({ name }) => name)
    return { name, kind, path: pathBelow(mount, name), sample }
  })
}
