import type { LibraryOptions } from '@jellyfin/sdk/lib/generated-client/models/library-options.js'
import type { ListingsProviderInfo } from '@jellyfin/sdk/lib/generated-client/models/listings-provider-info.js'
import type { TunerHostInfo } from '@jellyfin/sdk/lib/generated-client/models/tuner-host-info.js'
import type { VirtualFolderInfo } from '@jellyfin/sdk/lib/generated-client/models/virtual-folder-info.js'
import { Jellyfin } from '@jellyfin/sdk/lib/jellyfin.js'
import { getLibraryStructureApi } from '@jellyfin/sdk/lib/utils/api/library-structure-api.js'
import { getLiveTvApi } from '@jellyfin/sdk/lib/utils/api/live-tv-api.js'
import { getSystemApi } from '@jellyfin/sdk/lib/utils/api/system-api.js'
import axios from 'axios'
import type { Secret } from '../lib/secret.ts'
import { JellyfinError } from './errors.ts'

/** Adding a tuner makes Jellyfin read its lineup. */
const answerMs = 60_000

export interface JellyfinOptions {
  /** `http://192.168.1.10:8096` */
  readonly url: string
  readonly apiKey: Secret
  readonly version: string
}

/** Live TV as Jellyfin's configuration has it. */
export interface LiveTvConfiguration {
  readonly TunerHosts?: readonly TunerHostInfo[] | null
  readonly ListingProviders?: readonly ListingsProviderInfo[] | null
}

/** The requests that are made, by the project's own client. Everything throws JellyfinError. */
export function jellyfinApi({ url, apiKey, version }: JellyfinOptions, signal: AbortSignal) {
  const client = new Jellyfin({
    clientInfo: { name: 'reelport', version },
    deviceInfo: { name: 'reelport', id: 'reelport' },
  })
  const api = client.createApi(url, apiKey.reveal(), axios.create({ timeout: answerMs, signal, proxy: false }))
  const { host } = new URL(url)
  const liveTv = getLiveTvApi(api)
  const structure = getLibraryStructureApi(api)
  const system = getSystemApi(api)

  async function ask<T>(what: string, request: () => Promise<{ readonly data: T }>): Promise<T> {
    signal.throwIfAborted()
    try {
      return (await request()).data
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw translated(error, `Cannot ${what} at ${host}`)
    }
  }

  return {
    host,
    liveTv: () =>
      ask('read live TV', () => system.getNamedConfiguration({ key: 'livetv' })) as Promise<LiveTvConfiguration>,
    addTuner: (tunerHostInfo: TunerHostInfo) => ask('add a tuner', () => liveTv.addTunerHost({ tunerHostInfo })),
    removeTuner: (id: string) => ask('remove a tuner', () => liveTv.deleteTunerHost({ id })),
    addGuide: (listingsProviderInfo: ListingsProviderInfo) =>
      ask('add a guide', () =>
        liveTv.addListingProvider({ listingsProviderInfo, validateListings: false, validateLogin: false }),
      ),
    removeGuide: (id: string) => ask('remove a guide', () => liveTv.deleteListingProvider({ id })),
    libraries: (): Promise<readonly VirtualFolderInfo[]> => ask('list libraries', () => structure.getVirtualFolders()),
    addLibrary: (name: string, collectionType: 'movies' | 'tvshows', path: string, options: LibraryOptions) =>
      ask('add a library', () =>
        structure.addVirtualFolder({
          ...{ name, collectionType, paths: [path], refreshLibrary: true },
          addVirtualFolderDto: { LibraryOptions: { ...options, PathInfos: [{ Path: path }] } },
        }),
      ),
    changeLibrary: (id: string, options: LibraryOptions) =>
      ask('change a library', () =>
        structure.updateLibraryOptions({ updateLibraryOptionsDto: { Id: id, LibraryOptions: options } }),
      ),
    removeLibrary: (name: string) =>
      ask('remove a library', () => structure.removeVirtualFolder({ name, refreshLibrary: false })),
  }
}

export type JellyfinApi = ReturnType<typeof jellyfinApi>

/** The client's errors carry the request with its key: nothing of them is kept but the code and the status. */
function translated(error: unknown, what: string): JellyfinError {
  const { response, code = 'unknown error' } = error as { response?: { status: number }; code?: string }
  if (response === undefined) {
    const why = code === 'ECONNREFUSED' ? 'nothing listens there' : code === 'ECONNABORTED' ? 'no answer in time' : code
    return new JellyfinError('unreachable', `${what}: ${why}`)
  }
  if (response.status === 401 || response.status === 403) {
    const hint = 'make an API key in its dashboard and set jellyfin.apiKey'
    return new JellyfinError('unauthorized', `${what}: it answered with status ${response.status}; ${hint}`)
  }
  return new JellyfinError('refused', `${what}: it answered with status ${response.status}`)
}
