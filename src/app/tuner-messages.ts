import type { GuideFile, GuideOptions, GuideReport, StoredProgramme } from '../guide/index.ts'
import type { ChannelDetails, Lineup, LineupOptions, LineupReport, TestResult, ToTest } from '../lineup/index.ts'
import type { PlainAccount } from './plain-account.ts'

/** What the thread of lineup and guide is started with. */
export interface TunerWorkerData {
  readonly catalogPath: string
  readonly lineupPath: string
  readonly lineup: LineupOptions
  readonly guideDirectory: string
  readonly guide: GuideOptions
  readonly accounts: readonly PlainAccount[]
  /** Whether the accounts' own guides are used, and whether they are asked for what is on. */
  readonly providerGuide: boolean
  readonly askShort: boolean
  /** Guides from elsewhere; an address may hold credentials. */
  readonly guides: readonly { readonly name: string; readonly priority: number; readonly address: string }[]
}

export type TunerRequest =
  /** The catalogue has changed. */
  | { readonly type: 'rebuild' }
  | { readonly type: 'find'; readonly text: string; readonly limit: number; readonly after: number }
  | { readonly type: 'show'; readonly channelId: number }
  | { readonly type: 'override'; readonly channelId: number; readonly patch: object | null }
  | { readonly type: 'toTest'; readonly limit: number }
  | { readonly type: 'recordTests'; readonly results: readonly TestResult[] }
  | { readonly type: 'lineupReport' }
  | { readonly type: 'guideReport' }
  /** Reads the guides again. */
  | { readonly type: 'refreshGuide' }
  /** Lays out anew what is known: time goes on. */
  | { readonly type: 'buildGuide' }
  | { readonly type: 'programmes'; readonly channelId: number; readonly from: number; readonly to: number }

/** The answers, by request. */
export interface TunerAnswers {
  readonly rebuild: undefined
  readonly find: readonly ChannelDetails[]
  readonly show: ChannelDetails | undefined
  readonly override: ChannelDetails | undefined
  readonly toTest: readonly ToTest[]
  readonly recordTests: undefined
  readonly lineupReport: LineupReport
  readonly guideReport: GuideReport
  readonly refreshGuide: GuideReport
  readonly buildGuide: GuideReport
  readonly programmes: readonly StoredProgramme[]
}

export type TunerEvent =
  | { readonly type: 'lineup'; readonly lineup: Lineup }
  /** The last good guide of each device. */
  | { readonly type: 'guides'; readonly files: ReadonlyMap<number, GuideFile> }
