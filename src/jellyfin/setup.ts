import { type Plan, type RunReport, runPlan } from '../lib/run-plan.ts'
import type { JellyfinApi } from './api.ts'
import { JellyfinError } from './errors.ts'
import { collectionTypes, type JellyfinStep, planJellyfin, planJellyfinRemoval, switchedOff } from './plan.ts'
import type { Wanted, WantedTuner } from './ports.ts'

/** What would be done; nothing is changed. @throws JellyfinError. */
export async function planSetup(wanted: Wanted, api: JellyfinApi): Promise<Plan<JellyfinStep>> {
  return planJellyfin(wanted, await look(api))
}

/** Makes Jellyfin have what is wanted, and reads back that it has. @throws JellyfinError when it cannot even be looked at. */
export function setUp(wanted: Wanted, api: JellyfinApi, signal: AbortSignal): Promise<RunReport> {
  return run(() => planSetup(wanted, api), api, signal)
}

/** Removes what is ours. @throws JellyfinError when it cannot even be looked at. */
export function remove(wanted: Wanted, api: JellyfinApi, signal: AbortSignal): Promise<RunReport> {
  return run(async () => planJellyfinRemoval(wanted, await look(api)), api, signal)
}

const words: Readonly<Record<JellyfinStep['do'], string>> = {
  'add-tuner': 'add the tuner',
  'add-guide': 'add the guide of',
  'add-library': 'make the library',
  'change-library': 'change the library',
  'remove-guide': 'remove the guide',
  'remove-tuner': 'remove the tuner',
  'remove-library': 'remove the library',
}

/** `add the tuner reelport: Jellyfin does not have it` */
export function describeStep({ do: work, subject, why }: JellyfinStep): string {
  return `${words[work]} ${subject}: ${why}`
}

/** What a person does in the dashboard, with the addresses and names of exactly this installation. */
export function manualSteps({ base, tuners, libraries }: Wanted, mountCommand: string): string {
  const parts = [
    ...(libraries.length === 0 ? [] : [['Mount the export on the host of Jellyfin, as root:', `  ${mountCommand}`]]),
    ...libraries.map(({ name, kind, path }) => [
      'Dashboard, Libraries, Add Media Library:',
      `  content type  ${kind === 'movies' ? 'Movies' : 'Shows'}`,
      `  display name  ${name}`,
      `  folder        ${path}`,
      '  Switch off real time monitoring, chapter images, trickplay images and LUFS scan: each reads whole files.',
    ]),
    ...(base === undefined ? [] : tuners).map(({ name, uri, guideUrl }) => [
      `Dashboard, Live TV, for ${name}:`,
      '  Tuner Devices, +: type HDHomeRun',
      `  address  ${uri}`,
      '  TV Guide Data Providers, +: XMLTV',
      `  file     ${guideUrl}`,
      '  Enable for this tuner only.',
    ]),
  ]
  return parts.map((lines, index) => `${index + 1}. ${lines.join('\n   ')}\n`).join('\n')
}

async function look(api: JellyfinApi) {
  return { liveTv: await api.liveTv(), libraries: await api.libraries() }
}

function run(plan: () => Promise<Plan<JellyfinStep>>, api: JellyfinApi, signal: AbortSignal): Promise<RunReport> {
  return runPlan<JellyfinStep>(
    { plan, take: step => take(step, api), describe: describeStep, atOnce: () => 1, onStep() {} },
    signal,
  )
}

async function take(step: JellyfinStep, api: JellyfinApi): Promise<void> {
  switch (step.do) {
    case 'add-tuner': {
      const { uri, name } = step.tuner
      const host = {
        Type: 'hdhomerun',
        Url: uri,
        FriendlyName: name,
        AllowHWTranscoding: false,
        ImportFavoritesOnly: false,
      }
      await api.addTuner({ ...host, ...(step.id !== undefined && { Id: step.id }) })
      return
    }
    case 'add-guide': {
      const tunerId = await tunerIdOf(step.tuner, api)
      const guide = { Type: 'xmltv', Path: step.tuner.guideUrl, EnableAllTuners: false, EnabledTuners: [tunerId] }
      await api.addGuide({ ...guide, ...(step.id !== undefined && { Id: step.id }) })
      return
    }
    case 'add-library': {
      const { kind, path } = step.library
      await api.addLibrary(step.title, collectionTypes[kind], path, switchedOff)
      return
    }
    case 'change-library':
      await api.changeLibrary(step.id, step.options)
      return
    case 'remove-guide':
      await api.removeGuide(step.id)
      return
    case 'remove-tuner':
      await api.removeTuner(step.id)
      return
    case 'remove-library':
      await api.removeLibrary(step.id)
  }
}

async function tunerIdOf({ uri, name }: WantedTuner, api: JellyfinApi): Promise<string> {
  const id = (await api.liveTv()).TunerHosts?.find(({ Url }) => Url === uri)?.Id
  if (id == null) throw new JellyfinError('not-done', `${api.host} does not list ${name} at ${uri}`)
  return id
}
