import { isSamePath, nameIn, parentOf, pathBelow } from '../lib/host-paths.ts'
import { type Plan, type RunReport, runPlan } from '../lib/run-plan.ts'
import { isUnknownRequest, type NewSection, type PlexApi } from './api.ts'
import { PlexError } from './errors.ts'
import {
  type LibraryStep,
  planLibraries,
  planLibrariesRemoval,
  type SeenLibraries,
  type SeenLibrary,
  typeOf,
} from './library-plan.ts'
import { adviceOn, toSwitchOff } from './library-settings.ts'
import type { WantedLibraries, WantedLibrary } from './ports.ts'
import { describeStep, type OnStep } from './run.ts'

const scanners = { movies: 'Plex Movie', shows: 'Plex TV Series' } as const

export interface LibrariesDeps {
  readonly api: PlexApi
  readonly onStep: OnStep
}

/** What would be done for the libraries; nothing is changed. @throws PlexError. */
export async function planPlexLibraries(wanted: WantedLibraries, { api }: LibrariesDeps): Promise<Plan<LibraryStep>> {
  return planLibraries(wanted, await lookAtLibraries(api, wanted.libraries))
}

/** Does it, until Plex has every library of ours with its settings. @throws PlexError when it cannot even look. */
export function setUpPlexLibraries(
  wanted: WantedLibraries,
  deps: LibrariesDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  return run(wanted, deps, signal, () => planPlexLibraries(wanted, deps))
}

/** Removes every library that has only folders of ours. @throws PlexError when it cannot even look. */
export function removePlexLibraries(
  wanted: WantedLibraries,
  deps: LibrariesDeps,
  signal: AbortSignal,
): Promise<RunReport> {
  return run(wanted, deps, signal, async () => planLibrariesRemoval(wanted.libraries, await deps.api.sections()))
}

/** What the owner of a server should know of its settings, which we leave alone; in words. @throws PlexError. */
export async function adviceFor(api: PlexApi): Promise<readonly string[]> {
  return adviceOn(await api.serverSettings())
}

function run(
  { language }: WantedLibraries,
  { api, onStep }: LibrariesDeps,
  signal: AbortSignal,
  plan: () => Promise<Plan<LibraryStep>>,
): Promise<RunReport> {
  return runPlan<LibraryStep>(
    { plan, take: step => takeStep(step, api, language), atOnce: () => 1, describe: describeStep, onStep },
    signal,
  )
}

/** The library of Plex that has a folder of ours. */
export async function sectionWith(api: PlexApi, path: string) {
  return (await api.sections()).find(({ paths }) => paths.some(one => isSamePath(one, path)))
}

async function lookAtLibraries(api: PlexApi, wanted: readonly WantedLibrary[]): Promise<SeenLibraries> {
  const sections = await api.sections()
  const libraries: SeenLibrary[] = []
  for (const library of wanted) {
    const section = sections.find(({ paths }) => paths.some(path => isSamePath(path, library.path)))
    libraries.push({
      ...{ library, section, ...(await lookAtFolder(api, library)) },
      settings: section === undefined ? [] : await api.sectionSettings(section.key),
      agents: section === undefined ? await api.agents(typeOf(library)) : [],
    })
  }
  return { libraries, sections }
}

/** Looks for a few folders by their names: a list of all that a library has would be far too long to ask for every few minutes. */
async function lookAtFolder(api: PlexApi, { path, sample }: WantedLibrary) {
  const isThere = (await api.folders(parentOf(path)))?.includes(nameIn(path)) ?? false
  let found = 0
  for (const name of isThere ? sample : []) if ((await api.folders(pathBelow(path, name))) !== undefined) found++
  return { isThere, found }
}

async function takeStep(step: LibraryStep, api: PlexApi, language: string): Promise<void> {
  switch (step.do) {
    case 'create-section': {
      const { library, title, agent } = step
      const scanner = scanners[library.kind]
      const wanted = { title, type: typeOf(library), agent, scanner, language, paths: [library.path] }
      const section =
        (await createdBy(api.createSection, wanted, api)) ?? (await createdBy(api.createSectionAsBefore, wanted, api))
      if (section === undefined)
        throw new PlexError('not-done', `${api.host} took the library ${title} and lists none with ${library.path}`)
      const off = toSwitchOff(await api.sectionSettings(section.key))
      return off.length === 0 ? undefined : changeSettings(api, section.key, title, off)
    }
    case 'change-settings':
      return changeSettings(api, step.key, step.subject, step.settings)
    case 'remove-section': {
      await api.removeSection(step.key)
      if ((await api.sections()).some(({ key }) => key === step.key))
        throw new PlexError('not-done', `${api.host} was told to remove the library ${step.subject} and still has it`)
    }
  }
}

/** The library that a request made; undefined when the server does not have that request, or took it and made nothing. */
async function createdBy(create: PlexApi['createSection'], section: NewSection, api: PlexApi) {
  try {
    await create(section)
  } catch (error) {
    if (create === api.createSectionAsBefore || !isUnknownRequest(error)) throw error
  }
  return sectionWith(api, section.paths[0]!)
}

async function changeSettings(
  api: PlexApi,
  key: string,
  title: string,
  settings: Parameters<PlexApi['setSectionSettings']>[1],
): Promise<void> {
  await api.setSectionSettings(key, settings)
  const still = toSwitchOff(await api.sectionSettings(key))
  if (still.length === 0) return
  const which = still.map(({ id }) => id).join(', ')
  throw new PlexError('not-done', `${api.host} took settings of the library ${title}, and these are still on: ${which}`)
}
