import type { LibraryOptions } from '@jellyfin/sdk/lib/generated-client/models/library-options.js'
import type { ListingsProviderInfo } from '@jellyfin/sdk/lib/generated-client/models/listings-provider-info.js'
import type { TunerHostInfo } from '@jellyfin/sdk/lib/generated-client/models/tuner-host-info.js'
import type { VirtualFolderInfo } from '@jellyfin/sdk/lib/generated-client/models/virtual-folder-info.js'
import type { Plan } from '../lib/run-plan.ts'
import type { LiveTvConfiguration } from './api.ts'
import type { Wanted, WantedLibrary, WantedTuner } from './ports.ts'

/** One thing to do at Jellyfin, in words and as data. */
export type JellyfinStep = { readonly subject: string; readonly why: string } & (
  | { readonly do: 'add-tuner'; readonly tuner: WantedTuner; readonly id: string | undefined }
  | { readonly do: 'add-guide'; readonly tuner: WantedTuner; readonly id: string | undefined }
  | { readonly do: 'add-library'; readonly library: WantedLibrary; readonly title: string }
  | { readonly do: 'change-library'; readonly id: string; readonly options: LibraryOptions }
  | { readonly do: 'remove-guide' | 'remove-tuner' | 'remove-library'; readonly id: string }
)

export interface Seen {
  readonly liveTv: LiveTvConfiguration
  readonly libraries: readonly VirtualFolderInfo[]
}

/**
 * What reads whole files after a scan, or waits for notices of changes, which network file systems do not send; switched off in
 * libraries of ours.
 */
export const switchedOff = {
  EnableRealtimeMonitor: false,
  EnableLUFSScan: false,
  EnableChapterImageExtraction: false,
  ExtractChapterImagesDuringLibraryScan: false,
  EnableTrickplayImageExtraction: false,
  ExtractTrickplayImagesDuringLibraryScan: false,
} as const satisfies LibraryOptions

/** What is to be done so that Jellyfin has what is wanted; nothing when it has. What is not ours is never touched. */
export function planJellyfin({ base, tuners, libraries }: Wanted, seen: Seen): Plan<JellyfinStep> {
  const hosts = seen.liveTv.TunerHosts ?? []
  const guides = seen.liveTv.ListingProviders ?? []
  const gone = (uri: string) =>
    base !== undefined && tuners.length > 0 && isBelow(uri, base) && !tuners.some(tuner => tuner.uri === uri)
  const problems: string[] = []
  const steps: JellyfinStep[] = [
    ...removals(hosts, guides, gone, 'no lineup of ours has it any more'),
    ...(base === undefined ? [] : tuners.flatMap(tuner => tunerSteps(tuner, hosts, guides))),
    ...libraries.flatMap(library => librarySteps(library, seen.libraries, problems)),
  ]
  if (base !== undefined && tuners.length === 0)
    problems.push('There is no tuner with channels yet: live TV is left as it is')
  return { steps, problems }
}

/** What is to be done so that nothing of ours is left. */
export function planJellyfinRemoval({ base, libraries }: Wanted, seen: Seen): Plan<JellyfinStep> {
  const { TunerHosts: hosts, ListingProviders: guides } = seen.liveTv
  const ours = (uri: string) => base !== undefined && isBelow(uri, base)
  const problems: string[] = []
  const folders = seen.libraries.filter(({ Locations }) =>
    Locations?.some(path => libraries.some(one => one.path === path)),
  )
  const steps = folders.flatMap(({ Name, Locations }): JellyfinStep[] => {
    const name = Name ?? ''
    if (Locations?.every(path => libraries.some(one => one.path === path)))
      return [{ do: 'remove-library', id: name, subject: name, why: 'all its folders are ours' }]
    problems.push(`The library "${name}" also has folders that are not ours: it stays`)
    return []
  })
  return { steps: [...removals(hosts ?? [], guides ?? [], ours, 'it is ours'), ...steps], problems }
}

function tunerSteps(
  tuner: WantedTuner,
  hosts: readonly TunerHostInfo[],
  guides: readonly ListingsProviderInfo[],
): JellyfinStep[] {
  const { uri, guideUrl, name: subject, deviceId } = tuner
  const host = hosts.find(({ Url, DeviceId }) => Url === uri || DeviceId?.toUpperCase() === deviceId)
  const guide = guides.find(({ Type, Path }) => Type === 'xmltv' && Path === guideUrl)
  const isLinked = host?.Id != null && (guide?.EnableAllTuners === true || guide?.EnabledTuners?.includes(host.Id))
  const steps: JellyfinStep[] = []
  if (host === undefined)
    steps.push({ do: 'add-tuner', tuner, id: undefined, subject, why: 'Jellyfin does not have it' })
  else if (host.Url !== uri)
    steps.push({
      do: 'add-tuner',
      tuner,
      id: host.Id ?? undefined,
      subject,
      why: `Jellyfin looks for it at ${host.Url}`,
    })
  if (guide === undefined)
    steps.push({ do: 'add-guide', tuner, id: undefined, subject, why: `Jellyfin has no guide ${guideUrl}` })
  else if (!isLinked)
    steps.push({ do: 'add-guide', tuner, id: guide.Id ?? undefined, subject, why: 'the guide is not for this tuner' })
  return steps
}

function librarySteps(
  library: WantedLibrary,
  folders: readonly VirtualFolderInfo[],
  problems: string[],
): JellyfinStep[] {
  const { path, name, kind } = library
  const folder = folders.find(({ Locations }) => Locations?.includes(path))
  if (folder === undefined) {
    const isTaken = folders.some(({ Name }) => Name?.toLowerCase() === name.toLowerCase())
    const title = isTaken ? `${name} (reelport)` : name
    return [{ do: 'add-library', library, title, subject: title, why: `no library of Jellyfin has ${path}` }]
  }
  if (folder.CollectionType !== collectionTypes[kind]) {
    problems.push(
      `The library "${folder.Name}" of Jellyfin has our ${path}, and is not for ${kind}: take the folder out of it`,
    )
    return []
  }
  const options = folder.LibraryOptions ?? {}
  const on = Object.keys(switchedOff).filter(name => options[name as keyof LibraryOptions] === true)
  if (on.length === 0 || folder.ItemId == null) return []
  const why = `switches off ${on.join(', ')}`
  return [
    {
      do: 'change-library',
      id: folder.ItemId,
      options: { ...options, ...switchedOff },
      subject: folder.Name ?? name,
      why,
    },
  ]
}

/** How Jellyfin calls what is in a library. */
export const collectionTypes = { movies: 'movies', shows: 'tvshows' } as const

function removals(
  hosts: readonly TunerHostInfo[],
  guides: readonly ListingsProviderInfo[],
  isGone: (uri: string) => boolean,
  why: string,
): JellyfinStep[] {
  const ofGuides = guides.flatMap(({ Id, Path }): JellyfinStep[] => {
    const uri = (Path ?? '').replace(/\/guide\.xml(\.gz)?$/, '')
    return Id != null && uri !== Path && isGone(uri) ? [{ do: 'remove-guide', id: Id, subject: Path!, why }] : []
  })
  const ofHosts = hosts.flatMap(({ Id, Url }): JellyfinStep[] =>
    Id != null && isGone(Url ?? '') ? [{ do: 'remove-tuner', id: Id, subject: Url!, why }] : [],
  )
  return [...ofGuides, ...ofHosts]
}

function isBelow(uri: string, base: string): boolean {
  return uri === base || (uri.startsWith(`${base}/d`) && /\/d\d{1,3}$/.test(uri))
}
