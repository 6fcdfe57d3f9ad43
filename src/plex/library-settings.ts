import type { PlexSetting } from './api.ts'

/**
 * Settings of a library that make Plex read whole files after a scan: for previews, chapter pictures, intros, credits,
 * advertisements and speech. Over a network each of them fetches every film, and scanners have hung in it. Which of them there
 * are differs from version to version.
 */
export const analysisSettings: readonly string[] = [
  'enableBIFGeneration',
  'enableChapterThumbGeneration',
  'enableIntroMarkerGeneration',
  'enableCreditsMarkerGeneration',
  'enableAdMarkerGeneration',
  'enableVoiceActivityGeneration',
]

/** Those of a library's settings that are on and have to be off, with the value that switches them off. */
export function toSwitchOff(settings: readonly PlexSetting[]): readonly PlexSetting[] {
  return settings
    .filter(({ id, value }) => analysisSettings.includes(id) && !isOff(value))
    .map(({ id }) => ({ id, value: '0' }))
}

/** Which of the server's own settings, that are its owner's to choose, work against us; in words. */
export function adviceOn(settings: readonly PlexSetting[]): readonly string[] {
  const value = (id: string) => settings.find(setting => setting.id === id)?.value
  const isOn = (id: string) => !isOff(value(id) ?? '')
  return [
    ...(isOn('autoEmptyTrash')
      ? [
          'Plex empties its trash after every scan: while the export is away, a scan would delete what it knows of every film. Switch off Settings, Library, "Empty trash automatically after every scan"',
        ]
      : []),
    ...(value('LoudnessAnalysisBehavior') !== undefined && value('LoudnessAnalysisBehavior') !== 'never'
      ? [
          'Plex analyses the loudness of audio, which reads whole files: Settings, Library, "Analyze audio tracks for loudness" can be set to never',
        ]
      : []),
  ]
}

/** Plex writes off as 0, "0", false and "false". */
function isOff(value: string): boolean {
  return value === '' || value === '0' || value.toLowerCase() === 'false'
}
