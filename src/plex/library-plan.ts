import { isSamePath } from '../lib/host-paths.ts'
import type { Plan } from '../lib/run-plan.ts'
import type { PlexSection, PlexSetting, SectionType } from './api.ts'
import { toSwitchOff } from './library-settings.ts'
import type { WantedLibraries, WantedLibrary } from './ports.ts'

/** One thing to do at a server for its libraries, in words and as data. */
export type LibraryStep = { readonly subject: string; readonly why: string } & (
  | { readonly do: 'create-section'; readonly library: WantedLibrary; readonly title: string; readonly agent: string }
  | { readonly do: 'change-settings'; readonly key: string; readonly settings: readonly PlexSetting[] }
  | { readonly do: 'remove-section'; readonly key: string }
)

/** What is there for one of our libraries. */
export interface SeenLibrary {
  readonly library: WantedLibrary
  /** The library of Plex that has our folder. */
  readonly section: PlexSection | undefined
  readonly settings: readonly PlexSetting[]
  /** Whether the host of Plex has our folder. */
  readonly isThere: boolean
  /** How many folders of our sample the host of Plex has in it. */
  readonly found: number
  /** Agents for its type; empty where the server does not say. */
  readonly agents: readonly string[]
}

export interface SeenLibraries {
  readonly libraries: readonly SeenLibrary[]
  readonly sections: readonly PlexSection[]
}

const types = { movies: 'movie', shows: 'show' } as const satisfies Record<WantedLibrary['kind'], SectionType>
const plexAgents = { movies: 'tv.plex.agents.movie', shows: 'tv.plex.agents.series' } as const
/** Of the folders that we name, so many have to be there: a title may have come or gone since. */
const minFoundShare = 0.5

/** How the API calls the type of a library of ours. */
export const typeOf = ({ kind }: WantedLibrary): SectionType => types[kind]

/**
 * What is to be done so that Plex has our libraries; nothing when it has. Libraries with other folders than ours are never
 * touched, nor are settings of the server.
 */
export function planLibraries(
  { agent }: Pick<WantedLibraries, 'agent'>,
  { libraries, sections }: SeenLibraries,
): Plan<LibraryStep> {
  const steps: LibraryStep[] = []
  const problems: string[] = []
  for (const seen of libraries) {
    const { library, section, settings, agents } = seen
    const trouble = pathTrouble(seen)
    if (trouble !== undefined) problems.push(trouble)
    if (section === undefined) {
      if (trouble !== undefined) continue
      const title = freeTitle(library.name, sections)
      const chosen = chooseAgent(library, agent, agents)
      if (chosen.problem !== undefined) problems.push(chosen.problem)
      const why = `no library of Plex has ${library.path}; analysis of whole files is switched off in it`
      steps.push({ do: 'create-section', library, title, agent: chosen.agent, subject: title, why })
    } else if (section.type !== typeOf(library)) {
      problems.push(
        `The library "${section.title}" of Plex has our ${library.path} as ${section.type}, and it holds ${library.kind}: take the folder out of it, or delete it`,
      )
    } else {
      const off = toSwitchOff(settings)
      const why = `switches off what reads whole files: ${off.map(({ id }) => id).join(', ')}`
      if (off.length > 0)
        steps.push({ do: 'change-settings', key: section.key, settings: off, subject: section.title, why })
    }
  }
  return { steps, problems }
}

/** What is to be done so that no library of Plex has only folders of ours. */
export function planLibrariesRemoval(
  libraries: readonly WantedLibrary[],
  sections: readonly PlexSection[],
): Plan<LibraryStep> {
  const ours = (path: string) => libraries.some(library => isSamePath(path, library.path))
  const touched = sections.filter(({ paths }) => paths.some(ours))
  const [only, shared] = [
    touched.filter(({ paths }) => paths.every(ours)),
    touched.filter(({ paths }) => !paths.every(ours)),
  ]
  return {
    steps: only.map(({ key, title }) => ({
      do: 'remove-section',
      key,
      subject: title,
      why: 'all its folders are ours',
    })),
    problems: shared.map(({ title }) => `The library "${title}" also has folders that are not ours: it stays`),
  }
}

/** Why a folder is not our export; undefined when it is. */
function pathTrouble({ library: { name, path, sample }, isThere, found }: SeenLibrary): string | undefined {
  const hint = 'Mount the export there, or set plex.mount to where it is mounted on the host of Plex'
  if (!isThere) return `The host of Plex has no folder ${path}, where ${name} should be. ${hint}`
  if (found >= sample.length * minFoundShare) return undefined
  return `In ${path} the host of Plex has other things than we export as ${name}: ${found} of ${sample.length} folders are there. ${hint}`
}

function freeTitle(name: string, sections: readonly PlexSection[]): string {
  const isTaken = (title: string) => sections.some(section => section.title.toLowerCase() === title.toLowerCase())
  if (!isTaken(name)) return name
  const titles = [`${name} (reelport)`, ...Array.from({ length: 98 }, (_, index) => `${name} (reelport ${index + 2})`)]
  return titles.find(title => !isTaken(title)) ?? name
}

function chooseAgent(
  { kind, name }: WantedLibrary,
  wanted: WantedLibraries['agent'],
  offered: readonly string[],
): { readonly agent: string; readonly problem?: string } {
  const usual = plexAgents[kind]
  if (wanted === 'plex') return { agent: usual }
  const nfo = offered.find(identifier => /\bnfo\b/i.test(identifier))
  if (nfo !== undefined) return { agent: nfo }
  const problem = `This server offers no agent for NFO files (version 1.43.1 has one): ${name} uses ${usual}`
  return { agent: usual, problem }
}
