import type { Clock } from '../lib/clock.ts'
import { compileFilter, type Filterable, type ListingFilter } from '../lib/listing-filter.ts'
import type { Logger } from '../lib/log.ts'
import { openDatabase } from '../lib/sqlite.ts'
import { printable } from './channel-names.ts'
import { type DeviceOptions, deviceBook } from './devices.ts'
import { LineupError } from './errors.ts'
import { type Candidate, candidateOf, type Group, groupsOf } from './groups.ts'
import { guideIdOf } from './guide-ids.ts'
import { type Identified, identities } from './identities.ts'
import type {
  Channel,
  ChannelDetails,
  ChannelPatch,
  Device,
  Lineup,
  LineupReport,
  ListedChannel,
  OverrideRow,
  TestResult,
  ToTest,
} from './model.ts'
import { isNumber } from './numbers.ts'
import { type AppliedPatches, patchBook } from './patches.ts'
import { regrouped } from './regroup.ts'
import { migrations } from './schema.ts'
import { testBook } from './tests.ts'

export interface LineupOptions {
  readonly filter: ListingFilter
  /** Only channels of which the provider names a guide. */
  readonly guideOnly: boolean
  /** Of new channels' numbers. */
  readonly order: 'provider' | 'name' | 'category'
  readonly numbers: 'own' | 'provider'
  readonly merge: boolean
  /** The most wanted first. */
  readonly qualities: readonly string[]
  /** Channels that tests found dead are left out. */
  readonly dropDead: boolean
  /** At least one. */
  readonly devices: readonly DeviceOptions[]
  /** Of a device that does not say. */
  readonly maxChannels: number
  readonly overrides: readonly OverrideRow[]
  /** What was wrong with them, for the report. */
  readonly overrideProblems?: readonly string[]
}

export interface LineupDeps {
  /** Another id of 8 hexadecimal digits for each call. */
  readonly newDeviceId: () => string
  readonly clock: Clock
  readonly log: Logger
}

/** The lineup, and all that is permanent in it. Every call is one transaction; a crash loses none. */
export interface LineupBook extends Disposable {
  /** What was made last, before a restart too; without devices when there was never one. */
  current(): Lineup
  /** Makes the lineup of what providers list now. */
  rebuild(listed: Iterable<ListedChannel>): Lineup
  /** Changes a channel; null takes all changes back. @throws LineupError. */
  override(channelId: number, patch: unknown): Lineup
  recordTests(results: readonly TestResult[]): Lineup
  /** Upstreams that are due to be tried. */
  toTest(limit: number, now: number): readonly ToTest[]
  /** Channels whose name has this text, or whose number or guide id it is; all for an empty one. `after`: id of the last one before. */
  find(text: string, limit: number, after: number): readonly ChannelDetails[]
  show(channelId: number): ChannelDetails | undefined
  report(): LineupReport
}

const empty: Lineup = { devices: [], changedAt: 0 }
const maxNamedProblems = 100

/** Opens, and makes or migrates, the lineup's database. */
export function openLineup(path: string, options: LineupOptions, { newDeviceId, clock, log }: LineupDeps): LineupBook {
  const db = openDatabase(path, { migrations })
  db.pragma('synchronous = FULL') // numbers are in media servers' guides: a commit must not be taken back
  const ids = identities(db)
  const assign = deviceBook(db, newDeviceId)
  const tests = testBook(db)
  const patches = patchBook(db, options.overrides)
  const stored = db.prepare<[], { lineup: string; listed: string }>('select lineup, listed from current')
  const store = db.prepare<[string, string]>(`
    insert into current (only_row, lineup, listed) values (1, ?, ?)
    on conflict do update set lineup = excluded.lineup, listed = excluded.listed`)
  const isWanted = compileFilter(options.filter)
  const row = stored.get()
  let listed: readonly ListedChannel[] = row === undefined ? [] : JSON.parse(row.listed)
  let lineup: Lineup = row === undefined ? empty : JSON.parse(row.lineup)
  let details = new Map<number, ChannelDetails>()
  let counts: Omit<LineupReport, 'devices'> | undefined

  /** Everything there is to know, made anew of what is listed. */
  function make(): Lineup {
    const all = listed.map(candidateOf)
    const channels = all.filter(({ read }) => !read.isSeparator)
    const wanted = channels.filter(candidate => isWanted(factsOf(candidate)))
    const guided = options.guideOnly ? wanted.filter(hasGuideId) : wanted
    const groups = ordered(regrouped(groupsOf(guided, options), patches.byHand(ids)), options.order)
    const identified = ids.identify(groups, numberWanted)
    const applied = patches.apply(identified, ids)
    const dead = tests.dead()
    const made = identified.map(one => channelOf(one, applied, dead))
    const shown = made.filter(({ isHidden, isDead }) => !isHidden && !(options.dropDead && isDead))
    const facts = new Map(identified.map(({ id, group }) => [id, factsOf(group.candidates[0]!)]))
    const placing = shown.map(({ id }) => ({ id, facts: facts.get(id)! }))
    const { devices, left } = assign(placing, options.devices, options.maxChannels)
    const byId = new Map(made.map(channel => [channel.id, channel]))
    const placed = devices.map(
      ({ index, deviceId, name, options: { tuners, scanPossible }, channels: own }): Device => {
        const list = own.map(id => byId.get(id)!.channel).sort(byNumber)
        return { index, deviceId, name, ...(tuners !== undefined && { tuners }), scanPossible, channels: list }
      },
    )
    const deviceOf = new Map(placed.flatMap(({ index, channels: own }) => own.map(({ id }) => [id, index] as const)))
    details = new Map(
      made.map(({ channel, isHidden, patch }) => [
        channel.id,
        { ...channel, device: deviceOf.get(channel.id), isHidden, patch, tests: [] },
      ]),
    )
    counts = {
      listed: all.length,
      separators: all.length - channels.length,
      filtered: channels.length - guided.length,
      withoutGuideId: guided.filter(candidate => !hasGuideId(candidate)).length,
      hidden: made.filter(({ isHidden }) => isHidden).length,
      dead: made.filter(({ isDead }) => isDead).length,
      channels: shown.length - left.length,
      upstreams: shown.reduce((sum, { channel }) => sum + channel.upstreams.length, 0),
      problems: [
        ...(options.overrideProblems ?? []),
        ...applied.problems,
        ...(left.length > 0 ? [`${left.length} channels fit no device's filter`] : []),
      ].slice(0, maxNamedProblems),
    }
    const isSame = JSON.stringify(placed) === JSON.stringify(lineup.devices)
    return isSame && lineup.changedAt > 0 ? lineup : { devices: placed, changedAt: clock.now() }
  }

  const remake = (before: () => void = () => {}): Lineup => {
    db.transaction(() => {
      before()
      const made = make()
      if (made !== lineup || before !== nothing) store.run(JSON.stringify(made), JSON.stringify(listed))
      lineup = made
    }).immediate()
    return lineup
  }
  const nothing = () => {}

  function known(channelId: number): ChannelDetails | undefined {
    if (counts === undefined && listed.length > 0) remake(nothing)
    const found = details.get(channelId)
    return found && { ...found, tests: found.upstreams.flatMap(({ id }) => tests.of(id) ?? []) }
  }

  return {
    current: () => lineup,
    rebuild(now) {
      const startedAt = performance.now()
      const next = [...now]
      remake(() => {
        listed = next
      })
      const ms = Math.round(performance.now() - startedAt)
      log.info(
        { listed: next.length, channels: counts!.channels, devices: lineup.devices.length, ms },
        'Made the lineup',
      )
      return lineup
    },
    override(channelId, patch) {
      if (known(channelId) === undefined) throw new LineupError('unknown-channel', `No channel has the id ${channelId}`)
      return remake(() => patches.set(channelId, patch, ids))
    },
    recordTests(results) {
      const before = tests.dead()
      db.transaction(() => tests.record(results)).immediate()
      const after = tests.dead()
      const isSame = before.size === after.size && [...before].every(id => after.has(id))
      return isSame ? lineup : remake()
    },
    toTest(limit, now) {
      const upstreams = lineup.devices.flatMap(({ channels }) => channels.flatMap(channel => channel.upstreams))
      const dropped = options.dropDead ? [...details.values()].filter(({ isDead }) => isDead) : []
      const all = [...upstreams, ...dropped.flatMap(channel => channel.upstreams)]
      return tests.due(
        all.map(({ id: upstreamId, accountId, locator, headers }) => {
          return { upstreamId, accountId, locator, ...(headers !== undefined && { headers }) }
        }),
        limit,
        now,
      )
    },
    find(text, limit, after) {
      if (counts === undefined && listed.length > 0) remake(nothing)
      const wanted = text.trim().toLowerCase()
      const fits = ({ name, number, guideId, upstreams }: ChannelDetails) =>
        wanted === '' ||
        number === wanted ||
        guideId === wanted ||
        name.toLowerCase().includes(wanted) ||
        upstreams.some(upstream => upstream.name.toLowerCase().includes(wanted))
      return [...details.values()]
        .filter(channel => channel.id > after && fits(channel))
        .sort((a, b) => a.id - b.id)
        .slice(0, limit)
        .map(({ id }) => known(id)!)
    },
    show: known,
    report() {
      if (counts === undefined && listed.length > 0) remake(nothing)
      const devices = lineup.devices.map(({ index, deviceId, name, channels }) => {
        return { index, deviceId, name, channels: channels.length }
      })
      return { ...(counts ?? noCounts), devices }
    },
    [Symbol.dispose]: () => db.close(),
  }

  function numberWanted({ candidates }: Group): string | undefined {
    if (options.numbers === 'own') return undefined
    const number = candidates.map(({ listed }) => listed.number).find(number => number !== undefined)
    return number !== undefined && isNumber(String(number)) ? String(number) : undefined
  }

  function channelOf({ id, group }: Identified, applied: AppliedPatches, dead: ReadonlySet<number>): Made {
    const patch = applied.patches.get(id)
    const blacklist = new Set(patch?.blacklist)
    const usable = group.candidates.filter(({ listed }) => !blacklist.has(listed.listingId))
    const alive = usable.filter(({ listed }) => !dead.has(listed.listingId))
    const isDead = alive.length === 0
    const candidates = [...alive, ...usable.filter(candidate => !alive.includes(candidate))]
    const [first] = group.candidates
    const { listed: main, read } = first!
    const logo = patch?.logo ?? group.candidates.map(({ listed }) => listed.logo).find(isWebAddress)
    const groupName = patch?.group ?? main.categories[0]
    const guideIds = group.candidates.flatMap(({ listed }) => listed.guideId?.trim() || [])
    const names = [read.name, ...group.candidates.map(({ listed }) => printable(listed.name))]
    const channel: Channel = {
      id,
      number: ids.numberOf(id),
      guideId: guideIdOf(id),
      name: patch?.name ?? read.name,
      ...(logo !== undefined && { logo }),
      ...(groupName !== undefined && { group: printable(groupName) }),
      ...(read.region !== '' && { language: read.region }),
      isHd: group.candidates.some(candidate => candidate.read.isHd),
      isFavorite: patch?.favorite ?? false,
      guideHints: { ids: unique([...(patch?.guideIds ?? []), ...guideIds]), names: unique(names) },
      shiftMinutes: patch?.shiftMinutes ?? 0,
      archiveDays: Math.max(0, ...group.candidates.map(({ listed }) => listed.archiveDays ?? 0)),
      dropCorrupt: patch?.dropCorrupt ?? false,
      isDead,
      upstreams: candidates.map(({ listed: { listingId, accountId, locator, name } }) => {
        return { id: listingId, accountId, locator, name, ...(patch?.headers && { headers: patch.headers }) }
      }),
    }
    return { id, channel, isDead, isHidden: (patch?.hidden ?? false) || candidates.length === 0, patch }
  }
}

interface Made {
  readonly id: number
  readonly channel: Channel
  readonly isDead: boolean
  readonly isHidden: boolean
  readonly patch: ChannelPatch | undefined
}

const noCounts = {
  ...{ listed: 0, separators: 0, filtered: 0, withoutGuideId: 0, hidden: 0, dead: 0, channels: 0, upstreams: 0 },
  problems: [],
}

function ordered(groups: readonly Group[], order: LineupOptions['order']): readonly Group[] {
  const place = ({ candidates }: Group) => Math.min(...candidates.map(candidate => candidate.place))
  const name = ({ candidates }: Group) => candidates[0]!.read.name
  const category = ({ candidates }: Group) => candidates[0]!.listed.categories[0] ?? ''
  const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
  return groups.toSorted((a, b) => {
    const first =
      order === 'name' ? compare(name(a), name(b)) : order === 'category' ? compare(category(a), category(b)) : 0
    return first || place(a) - place(b)
  })
}

const factsOf = ({ listed, read }: Candidate): Filterable => ({
  account: listed.accountId,
  rawName: listed.name,
  categories: listed.categories,
  quality: listed.quality,
  languages: read.region === '' ? listed.languages : [...listed.languages, read.region],
})

const hasGuideId = ({ listed }: Candidate) => (listed.guideId ?? '').trim() !== ''
const isWebAddress = (text: string | undefined): text is string => /^https?:\/\/\S+$/i.test(text ?? '')
const unique = (texts: readonly string[]) => [...new Set(texts)]
const byNumber = (a: Channel, b: Channel) => Number(a.number) - Number(b.number) || a.id - b.id
