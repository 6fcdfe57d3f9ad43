import { fragment } from 'xmlbuilder2'
import type { GuideChannel } from '../ports.ts'
import { formatTime } from '../time.ts'
import { line, webAddress } from './values.ts'

/** A programme to be written: its time in milliseconds since the epoch, and its content as XML. */
export interface WrittenProgramme {
  readonly start: number
  readonly stop: number
  readonly content: string
}

/** The first lines. There is no document type: players that read it would go and fetch it. */
export const guideHead = '<?xml version="1.0" encoding="UTF-8"?>\n<tv generator-info-name="reelport">\n'
export const guideTail = '</tv>\n'

/** A channel. Names are in the order in which media servers match them with the lineup: number and name, number, name. */
export function channelText({ guideId, number, name, logo }: GuideChannel): string {
  const channel = fragment().ele('channel', { id: guideId })
  for (const text of [`${number} ${name}`, number, name]) channel.ele('display-name').txt(line(text) ?? number)
  const src = logo === undefined ? undefined : webAddress(logo)
  if (src !== undefined) channel.ele('icon', { src })
  return `${channel.toString()}\n`
}

/** Writes programmes of one channel. */
export function programmeText(guideId: string): (programme: WrittenProgramme) => string {
  const channel = fragment().ele('programme', { channel: guideId }).toString().slice('<programme '.length, -'/>'.length)
  return ({ start, stop, content }) =>
    `<programme start="${formatTime(start)}" stop="${formatTime(stop)}" ${channel}>${content}</programme>\n`
}
