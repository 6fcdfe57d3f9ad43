/** What ISO/IEC 13818-1 section 2.4.3.3 forbids, and times that go back: an own reading of the packets, not the program's. */
export interface TsReport {
  readonly packets: number
  readonly errors: readonly string[]
  /** PIDs with payload. */
  readonly pids: ReadonlySet<number>
  /** Of each PID: how long what it holds lasts by its timestamps, in seconds. */
  readonly seconds: ReadonlyMap<number, number>
  readonly discontinuities: number
}

/** Looks at whole packets. `maxGapSeconds`: timestamps that jump ahead by more are an error, too. */
export function checkTs(bytes: Uint8Array, maxGapSeconds = 3): TsReport {
  const errors: string[] = []
  const last = new Map<number, { counter: number; packet: string }>()
  const times = new Map<number, { first: number; last: number }>()
  let discontinuities = 0
  if (bytes.length % 188 !== 0) errors.push(`${bytes.length} bytes are not whole packets`)
  for (let at = 0; at + 188 <= bytes.length; at += 188) {
    if (bytes[at] !== 0x47) {
      errors.push(`no sync byte at ${at}`)
      continue
    }
    const pid = ((bytes[at + 1]! & 0x1f) << 8) | bytes[at + 2]!
    if (pid === 0x1fff) continue
    const hasField = (bytes[at + 3]! & 0x20) !== 0
    const hasPayload = (bytes[at + 3]! & 0x10) !== 0
    const counter = bytes[at + 3]! & 0x0f
    const isMarked = hasField && bytes[at + 4]! > 0 && (bytes[at + 5]! & 0x80) !== 0
    if (isMarked) discontinuities++
    const before = last.get(pid)
    const packet = Buffer.from(bytes.subarray(at, at + 188)).toString('latin1')
    const expected = before === undefined ? counter : hasPayload ? (before.counter + 1) & 0x0f : before.counter
    const isCopy = before?.packet === packet
    if (counter !== expected && !isMarked && !isCopy)
      errors.push(`PID ${pid}: counter ${counter} at ${at}, not ${expected}`)
    last.set(pid, { counter, packet })
    if (!hasPayload || (bytes[at + 1]! & 0x40) === 0) continue
    const from = at + (hasField ? 5 + bytes[at + 4]! : 4)
    if (bytes[from] !== 0 || bytes[from + 1] !== 0 || bytes[from + 2] !== 1 || (bytes[from + 7]! & 0x80) === 0) continue
    const stampAt = (bytes[from + 7]! & 0x40) !== 0 ? from + 14 : from + 9
    const time = Number(
      (BigInt(bytes[stampAt]! & 0x0e) << 29n) |
        (BigInt((bytes[stampAt + 1]! << 7) | (bytes[stampAt + 2]! >> 1)) << 15n) |
        BigInt((bytes[stampAt + 3]! << 7) | (bytes[stampAt + 4]! >> 1)),
    )
    const seen = times.get(pid)
    if (seen === undefined) {
      times.set(pid, { first: time, last: time })
      continue
    }
    const ahead = Number((((BigInt(time) - BigInt(seen.last)) % 2n ** 33n) + 2n ** 33n) % 2n ** 33n)
    if (ahead > 2 ** 32)
      errors.push(`PID ${pid}: time goes back by ${((2 ** 33 - ahead) / 90_000).toFixed(3)} s at ${at}`)
    else if (ahead > maxGapSeconds * 90_000)
      errors.push(`PID ${pid}: time jumps by ${(ahead / 90_000).toFixed(3)} s at ${at}`)
    seen.last += ahead > 2 ** 32 ? 0 : ahead
  }
  return {
    packets: Math.floor(bytes.length / 188),
    errors,
    pids: new Set(last.keys()),
    seconds: new Map([...times].map(([pid, { first, last }]) => [pid, (last - first) / 90_000])),
    discontinuities,
  }
}
