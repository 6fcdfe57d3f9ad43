import { compileFilter, type Filterable, type ListingFilter } from '../lib/listing-filter.ts'
import type { Database } from '../lib/sqlite.ts'

/** A tuner of the configuration, with some of the channels. */
export interface DeviceOptions {
  readonly name: string
  readonly tuners?: number
  readonly scanPossible: boolean
  readonly maxChannels?: number
  readonly filter: ListingFilter
}

/** A channel that wants to be on a device. */
export interface Placeable {
  readonly id: number
  /** What filters look at: its first upstream. */
  readonly facts: Filterable
}

export interface PlacedDevice {
  /** Permanent. */
  readonly index: number
  readonly deviceId: string
  readonly name: string
  readonly options: DeviceOptions
  /** In the order they came. */
  readonly channels: readonly number[]
}

/**
 * Which device each channel is on. A channel stays where it is for as long as the rules allow it, whoever comes and goes; new
 * ones fill the first device that takes them and has room, and then a further one of the same rules. To be called in a
 * transaction.
 */
export function deviceBook(db: Database, newDeviceId: () => string) {
  const all = db.prepare<[], { index: number; deviceId: string; name: string }>(
    'select position as "index", device_id as deviceId, name from device order by position',
  )
  const insert = db.prepare<[number, string, string]>('insert into device (position, device_id, name) values (?, ?, ?)')
  const places = db.prepare<[], { id: number; device: number }>(
    'select id, device from channel where device is not null',
  )
  const place = db.prepare<[number | null, number, number | null]>(
    'update channel set device = ? where id = ? and device is not ?',
  )

  return (
    channels: readonly Placeable[],
    rules: readonly DeviceOptions[],
    maxChannels: number,
  ): { readonly devices: readonly PlacedDevice[]; readonly left: readonly number[] } => {
    const known = [...all.all()]
    const tests = rules.map(({ filter }) => compileFilter(filter))
    const before = new Map(places.all().map(({ id, device }) => [id, device]))
    const room = (rule: DeviceOptions) => rule.maxChannels ?? maxChannels
    const byDevice = new Map<number, number[]>()
    const waiting: { readonly id: number; readonly rule: number }[] = []
    const left: number[] = []
    const ruleOf = (name: string) => rules.findIndex(rule => rule.name === name)
    const join = (index: number, id: number) => {
      const list = byDevice.get(index) ?? []
      list.push(id)
      byDevice.set(index, list)
    }
    for (const { id, facts } of channels) {
      const rule = tests.findIndex(test => test(facts))
      if (rule < 0) {
        left.push(id)
        continue
      }
      const device = known.find(({ index }) => index === before.get(id))
      const stays =
        device !== undefined &&
        ruleOf(device.name) === rule &&
        (byDevice.get(device.index)?.length ?? 0) < room(rules[rule]!)
      if (stays) join(device.index, id)
      else waiting.push({ id, rule })
    }
    for (const { id, rule } of waiting) {
      const { name } = rules[rule]!
      const free = known.find(
        device => device.name === name && (byDevice.get(device.index)?.length ?? 0) < room(rules[rule]!),
      )
      const index = free?.index ?? (known.at(-1)?.index ?? -1) + 1
      if (free === undefined) {
        const deviceId = newDeviceId()
        insert.run(index, deviceId, name)
        known.push({ index, deviceId, name })
      }
      join(index, id)
    }
    const placed = new Map([...byDevice].flatMap(([index, ids]) => ids.map(id => [id, index] as const)))
    for (const { id } of channels) place.run(placed.get(id) ?? null, id, placed.get(id) ?? null)
    const devices = known.flatMap(({ index, deviceId, name }): PlacedDevice[] => {
      const options = rules[ruleOf(name)]
      const ids = byDevice.get(index) ?? []
      if (options === undefined || (ids.length === 0 && index > 0)) return []
      return [{ index, deviceId, name: nameOf(name, index), options, channels: ids }]
    })
    return { devices, left }

    /** Further devices of one rule are told apart by a number. */
    function nameOf(name: string, index: number): string {
      const same = known.filter(device => device.name === name).map(device => device.index)
      const at = same.indexOf(index)
      return at === 0 ? name : `${name} ${at + 1}`
    }
  }
}
