import type { Wanted } from './setup.ts'

export interface ManualOptions {
  readonly wanted: Wanted
  /** Where people open Plex in a browser; undefined where that is not known. */
  readonly plexUrl: string | undefined
  /** How the export is mounted on the host of Plex: a command. */
  readonly mountCommand: string
}

/** What a person does where the API cannot be used, with the addresses and names of exactly this installation. */
export function manualSteps({ wanted, plexUrl, mountCommand }: ManualOptions): string {
  const web = plexUrl === undefined ? 'https://app.plex.tv/desktop' : `${plexUrl}/web/index.html`
  const { tuners, libraries } = wanted
  const parts = [
    ...(libraries === undefined
      ? []
      : [
          ['Mount the export on the host of Plex, as root:', `  ${mountCommand}`],
          ...libraries.libraries.map(({ name, kind, path }) => [
            `In ${web}, Settings, Manage, Libraries, Add Library:`,
            `  type    ${kind === 'movies' ? 'Movies' : 'TV Shows'}`,
            `  name    ${name}`,
            `  folder  ${path}`,
            '  Advanced: switch off video preview thumbnails, chapter thumbnails, and detection of intros, credits, ads and voice.',
          ]),
          ['In Settings, Library: switch off "Empty trash automatically after every scan".'],
        ]),
    ...(tuners?.tuners ?? []).map(({ name, uri, guideUrl, channels, deviceId }) => [
      `In ${web}, Settings, Manage, Live TV & DVR, Set up Plex Tuner (or Add device), for ${name} (${deviceId}):`,
      '  "Don\'t see your HDHomeRun device? Enter its network address manually":',
      `  address  ${uri.replace(/^http:\/\//, '')}`,
      '  Continue, "Have an XMLTV guide on your server? Click here to use that instead":',
      `  guide    ${guideUrl}`,
      `  title    ${name}`,
      `  Continue; all ${channels.length} channels are to be ticked, then Continue again.`,
    ]),
  ]
  return parts.map((lines, index) => `${index + 1}. ${lines.join('\n   ')}\n`).join('\n')
}
