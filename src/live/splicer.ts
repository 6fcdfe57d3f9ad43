import {
  clockAt,
  counterOf,
  difference,
  hasPayload,
  isDiscontinuity,
  markDiscontinuity,
  nullPid,
  packetBytes,
  patPid,
  payloadAt,
  pidOf,
  pids,
  readClock,
  readTimestamp,
  sectionCrc,
  sectionPackets,
  setCounter,
  setPid,
  startsUnit,
  syncByte,
  ticksPerSecond,
  timestampsAt,
  wrapped,
  writeClock,
  writeTimestamp,
} from '../lib/mpegts/packets.ts'
import { readPat, SectionReader } from '../lib/mpegts/tables.ts'
import { isEntry, type Program, placesIn, programOf } from './program.ts'

/** A place where a decoder can begin, and what it has to be given before. */
export interface Entry {
  /** Of the packet, in the bytes that were put out by the same call. */
  readonly at: number
  /** The packets of PAT and PMT that came last before it. */
  readonly tables: Uint8Array
  /** Of its picture, in ticks of 90 kHz. */
  readonly time: number
  /** Each stream's PID with the counter of its last packet before. */
  readonly counters: ReadonlyMap<number, number>
}

/** Where spliced packets go. */
export interface Output {
  /** Room for `bytes`, in which packets are put and then changed where they lie. */
  reserve(bytes: number): Uint8Array
  /** The first `bytes` of what was reserved are final. */
  commit(bytes: number, entries: readonly Entry[]): void
}

/** A jump of the timestamps by more is a break in the stream, whatever it says. */
const jumpTicks = 5 * ticksPerSecond
/** Between the last timestamp before a break and the first one behind it. */
const gapTicks = ticksPerSecond / 25
/** After a break, this much is passed over to find a picture that decoders can begin with, or so much time. */
const maxSeekBytes = 8 * 2 ** 20
const maxSeekTicks = 10 * ticksPerSecond
const unset = -1
/** Packets that are put out together: about as many as a network write takes. */
const runBytes = 348 * packetBytes
/** Tables of ours may take more packets than those of the upstream, in whose place they come. */
const tableBytes = 64 * packetBytes

/**
 * One transport stream made of several, one after the other. In the steady state packets go through as they are. Behind a
 * break (another upstream, a discontinuity of a playlist, timestamps that jump) times go on where they were, counters go on
 * (ISO/IEC 13818-1 section 2.4.3.3), streams keep their PIDs where the types are the same, and the first packets say that
 * something is different (discontinuity_indicator, section 2.4.3.5). Packets that are missing are such a break for the
 * counters of their PID.
 */
export class Splicer {
  readonly #out: Output
  /** The packet of which not all has come. */
  readonly #rest = new Uint8Array(packetBytes)
  #restBytes = 0
  /** Out: each PID's last counter; `unset` before its first packet. */
  readonly #counters = new Int16Array(pids).fill(unset)
  /** In: some bits of each PID's last packet, by which one that comes twice is known (section 2.4.3.3 allows that). */
  readonly #prints = new Int32Array(pids)
  /** PIDs that have one. */
  readonly #seen: number[] = []
  /** In to out: added to each PID's counters since the last break; `unset` for PIDs not seen since. */
  readonly #shifts = new Int16Array(pids).fill(0)
  /** Out: each PID's last time; NaN before the first. */
  readonly #times = new Float64Array(pids).fill(Number.NaN)
  /** Out: the last moment of which something is shown or heard. */
  #latest = Number.NaN
  /** Out: how far the last clock reference was behind that; NaN before the first. */
  #lead = Number.NaN
  #offset = 0
  #offsetBefore = 0
  #hasBroken = false
  #seeking = false
  #seekBytes = 0
  /** The first time behind the break. */
  #seekFrom = Number.NaN
  #pat = new SectionReader()
  #pmt = new SectionReader()
  #pmtPid = unset
  /** Of the upstream that is read now. */
  #program: Program | undefined
  /** What clients were told. */
  #shown: Program | undefined
  #shownPmtPid = unset
  #patSection: Uint8Array | undefined
  #patPackets: Uint8Array = new Uint8Array(0)
  #pmtPackets: Uint8Array = new Uint8Array(0)
  /** PID in to PID out, where that is another one; undefined while none is. */
  #places: ReadonlyMap<number, number> | undefined
  #marks = new Set<number>()
  /** PIDs of which a unit is left out at the moment. */
  readonly #late = new Set<number>()
  #breaks = 0
  #gaps = 0
  #lost = 0

  constructor(out: Output) {
    this.#out = out
  }

  /** So far: breaks, places where the upstream's counters say that packets are missing, and bytes that were no packets. */
  stats(): { readonly breaks: number; readonly gaps: number; readonly lostBytes: number } {
    return { breaks: this.#breaks, gaps: this.#gaps, lostBytes: this.#lost }
  }

  /** What follows does not go on from what came before. */
  breakHere(): void {
    this.#restBytes = 0
    this.#pat = new SectionReader()
    this.#pmt = new SectionReader()
    if (this.#shown === undefined) return
    this.#hasBroken = true
    this.#seeking = true
    this.#seekBytes = 0
    this.#seekFrom = Number.NaN
    this.#pmtPid = unset
    this.#program = undefined
    this.#shifts.fill(unset)
    this.#breaks++
  }

  /** Takes bytes of the upstream, cut anywhere. */
  push(chunk: Uint8Array): void {
    let at = 0
    if (this.#restBytes > 0) {
      at = Math.min(packetBytes - this.#restBytes, chunk.length)
      this.#rest.set(chunk.subarray(0, at), this.#restBytes)
      this.#restBytes += at
      if (this.#restBytes < packetBytes) return
      this.#restBytes = 0
      this.#packets(this.#rest)
    }
    while (at < chunk.length) {
      if (chunk[at] !== syncByte) {
        const next = nextSync(chunk, at + 1)
        this.#lost += next - at
        at = next
        continue
      }
      if (chunk.length - at < packetBytes) break
      let end = at + packetBytes
      while (end - at < runBytes && chunk.length - end >= packetBytes && chunk[end] === syncByte) end += packetBytes
      this.#packets(chunk.subarray(at, end))
      at = end
    }
    this.#rest.set(chunk.subarray(at))
    this.#restBytes = chunk.length - at
  }

  /** Whole packets. */
  #packets(packets: Uint8Array): void {
    const entries: Entry[] = []
    let from = 0
    if (!this.#hasBroken) {
      const room = this.#out.reserve(packets.length)
      room.set(packets)
      while (from < packets.length && this.#look(room, from, entries)) from += packetBytes
      this.#out.commit(from, entries)
    }
    const most = runBytes - tableBytes
    for (; from < packets.length; from += most) this.#placeAll(packets.subarray(from, from + most))
  }

  /** Packets behind a break. */
  #placeAll(packets: Uint8Array): void {
    const room = this.#out.reserve(packets.length + tableBytes)
    const entries: Entry[] = []
    let to = 0
    for (let at = 0; at < packets.length; at += packetBytes) to = this.#place(packets, at, room, to, entries)
    this.#out.commit(to, entries)
  }

  /** Looks at a packet that stays as it is. False where a break begins: it is to be placed, and so is all that follows. */
  #look(bytes: Uint8Array, at: number, entries: Entry[]): boolean {
    const pid = pidOf(bytes, at)
    if (pid === nullPid) return true
    if (this.#jumps(bytes, at, pid)) {
      this.#hasBroken = true
      this.#shown = this.#program
      this.#shownPmtPid = this.#pmtPid
      return false
    }
    if (hasPayload(bytes, at)) {
      if (this.#counters[pid] === unset) this.#seen.push(pid)
      this.#counters[pid] = counterOf(bytes, at)
      this.#prints[pid] = printOf(bytes, at)
    }
    if (pid === patPid || pid === this.#pmtPid) {
      this.#table(bytes, at, pid)
      return true
    }
    const clock = clockAt(bytes, at)
    if (clock !== undefined) this.#lead = difference(readClock(bytes, clock), this.#latest)
    if (!startsUnit(bytes, at)) return true
    const stamps = timestampsAt(bytes, at)
    if (stamps === undefined) return true
    const time = readTimestamp(bytes, stamps.dts ?? stamps.pts)
    this.#note(pid, time, stamps.dts === undefined ? time : readTimestamp(bytes, stamps.pts))
    this.#mark(bytes, at, pid, entries)
    return true
  }

  /** Whether packets are missing in front of this one, or its timestamps begin anew, in a program that is known. */
  #jumps(bytes: Uint8Array, at: number, pid: number): boolean {
    if (this.#program === undefined) return false
    if (hasPayload(bytes, at) && !this.#follows(bytes, at, pid, this.#counters[pid]!)) return true
    const clock = clockAt(bytes, at)
    if (clock !== undefined && Math.abs(difference(this.#latest, readClock(bytes, clock))) > jumpTicks) return true
    if (!startsUnit(bytes, at) || Number.isNaN(this.#times[pid]!)) return false
    const stamps = timestampsAt(bytes, at)
    if (stamps === undefined) return false
    return Math.abs(difference(this.#times[pid]!, readTimestamp(bytes, stamps.dts ?? stamps.pts))) > jumpTicks
  }

  /** Whether a packet with payload comes next by its counter, or is the last one once more, or says that it is neither. */
  #follows(bytes: Uint8Array, at: number, pid: number, last: number): boolean {
    if (last === unset) return true
    const counter = counterOf(bytes, at)
    if (counter === ((last + 1) & 0x0f) || isDiscontinuity(bytes, at)) return true
    return counter === last && this.#prints[pid] === printOf(bytes, at)
  }

  #table(bytes: Uint8Array, at: number, pid: number): void {
    const from = payloadAt(bytes, at)
    const end = at + packetBytes
    if (from >= end) return
    const isStart = startsUnit(bytes, at)
    const packet = bytes.slice(at, end)
    if (pid === patPid) {
      this.#patPackets = isStart ? packet : joined(this.#patPackets, packet)
      this.#pat.push(bytes.subarray(from, end), isStart, section => this.#onPat(section))
    } else {
      this.#pmtPackets = isStart ? packet : joined(this.#pmtPackets, packet)
      this.#pmt.push(bytes.subarray(from, end), isStart, section => this.#onPmt(section))
    }
  }

  #onPat(section: Uint8Array): void {
    const pid = readPat(section)
    if (pid === undefined) return
    this.#patSection ??= Uint8Array.from(section)
    if (pid === this.#pmtPid) return
    this.#pmtPid = pid
    this.#pmt = new SectionReader()
  }

  #onPmt(section: Uint8Array): void {
    const program = programOf(section)
    if (program === undefined) return
    if (this.#program !== undefined && same(this.#program.section, section)) return
    this.#program = program
    if (this.#hasBroken) this.#show(program)
    else {
      this.#shown = program
      this.#shownPmtPid = this.#pmtPid
    }
  }

  /** Gives the streams of another upstream the places of the old ones, or tells clients of a new program. */
  #show(program: Program): void {
    const shown = this.#shown ?? program
    const places = placesIn(shown, program)
    if (places !== undefined) {
      this.#shown = shown
      this.#places = places
      return
    }
    this.#shown = withVersionAfter(program, shown)
    this.#places = undefined
  }

  /** A packet behind a break: what of it is put out goes to `to`. Returns where the next one goes. */
  #place(packets: Uint8Array, at: number, room: Uint8Array, to: number, entries: Entry[]): number {
    const pid = pidOf(packets, at)
    if (pid === nullPid) return to
    if (pid === patPid || pid === this.#pmtPid) {
      this.#table(packets, at, pid)
      if (!startsUnit(packets, at) || this.#seeking || this.#shown === undefined) return to
      return pid === patPid ? this.#putPat(room, to) : this.#putPmt(room, to)
    }
    if (this.#program === undefined || this.#shown === undefined) return to
    const place = this.#places === undefined ? (this.#hasStream(pid) ? pid : undefined) : this.#places.get(pid)
    if (place === undefined) return to
    if (this.#seeking && !this.#begins(packets, at, pid)) return to
    if (this.#seeking) {
      this.#seeking = false
      this.#marks = new Set([...this.#shown.streams.map(stream => stream.pid), this.#shown.clockPid])
      const stamps = timestampsAt(packets, at)
      if (stamps !== undefined) this.#rebase(readTimestamp(packets, stamps.dts ?? stamps.pts))
      return this.#put(packets, at, place, room, this.#putPmt(room, this.#putPat(room, to)), entries)
    }
    return this.#put(packets, at, place, room, to, entries)
  }

  #hasStream(pid: number): boolean {
    const { streams, clockPid } = this.#program!
    return pid === clockPid || streams.some(stream => stream.pid === pid)
  }

  /** Whether what is put out behind a break may begin with this packet. */
  #begins(packets: Uint8Array, at: number, pid: number): boolean {
    this.#seekBytes += packetBytes
    const { video, streams } = this.#program!
    const stamps = startsUnit(packets, at) ? timestampsAt(packets, at) : undefined
    if (stamps === undefined) return false
    const time = readTimestamp(packets, stamps.dts ?? stamps.pts)
    if (Number.isNaN(this.#seekFrom)) this.#seekFrom = time
    if (video === undefined || this.#seekBytes > maxSeekBytes) return true
    if (Math.abs(difference(this.#seekFrom, time)) > maxSeekTicks) return true
    if (pid !== video) return false
    return isEntry(packets, at, streams.find(stream => stream.pid === video)!.streamType)
  }

  #put(packets: Uint8Array, at: number, pid: number, room: Uint8Array, to: number, entries: Entry[]): number {
    if (startsUnit(packets, at)) this.#decideOn(packets, at, pid)
    if (this.#late.has(pid)) return to
    room.set(packets.subarray(at, at + packetBytes), to)
    if (pid !== pidOf(packets, at)) setPid(room, to, pid)
    this.#move(room, to, pid)
    this.#count(room, to, pid)
    if (this.#marks.has(pid) && markDiscontinuity(room, to)) this.#marks.delete(pid)
    this.#mark(room, to, pid, entries)
    return to + packetBytes
  }

  /** What would go back behind what its stream had already, as the sound around a break does, is left out. */
  #decideOn(packets: Uint8Array, at: number, pid: number): void {
    const stamps = timestampsAt(packets, at)
    const last = this.#times[pid]!
    if (stamps === undefined || Number.isNaN(last)) return
    const time = this.#moved(readTimestamp(packets, stamps.dts ?? stamps.pts), pid)
    if (difference(last, time) > 0) this.#late.delete(pid)
    else {
      this.#late.add(pid)
      this.#shifts[pid] = unset
    }
  }

  /** Counters go on from the last packet of the PID, and from then on in the steps of the upstream's. */
  #count(room: Uint8Array, at: number, pid: number): void {
    const counter = counterOf(room, at)
    const last = this.#counters[pid]!
    if (!hasPayload(room, at)) {
      setCounter(room, at, last === unset ? counter : last)
      return
    }
    const isNew = this.#shifts[pid] === unset
    if (!isNew && !this.#follows(room, at, pid, last === unset ? unset : (last - this.#shifts[pid]!) & 0x0f)) {
      this.#gaps++
      this.#shifts[pid] = unset
      this.#marks.add(pid)
    }
    this.#prints[pid] = printOf(room, at)
    if (this.#shifts[pid] === unset) this.#shifts[pid] = last === unset ? 0 : (last + 1 - counter) & 0x0f
    const out = (counter + this.#shifts[pid]!) & 0x0f
    setCounter(room, at, out)
    if (last === unset) this.#seen.push(pid)
    this.#counters[pid] = out
  }

  /** Moves the packet's times. */
  #move(bytes: Uint8Array, at: number, pid: number): void {
    if (startsUnit(bytes, at)) {
      const stamps = timestampsAt(bytes, at)
      if (stamps !== undefined) {
        const time = readTimestamp(bytes, stamps.dts ?? stamps.pts)
        const moved = this.#moved(time, pid)
        const by = moved - time
        const shownAt = wrapped(readTimestamp(bytes, stamps.pts) + by)
        this.#note(pid, moved, shownAt)
        writeTimestamp(bytes, stamps.pts, shownAt)
        if (stamps.dts !== undefined) writeTimestamp(bytes, stamps.dts, moved)
      }
    }
    const clock = clockAt(bytes, at)
    if (clock === undefined) return
    const moved = this.#moved(readClock(bytes, clock), undefined)
    writeClock(bytes, clock, moved)
    this.#lead = difference(moved, this.#latest)
  }

  /** A time with the offset that fits: of two streams, one may still be before a break when the other is behind it. */
  #moved(time: number, pid: number | undefined): number {
    const now = wrapped(time + this.#offset)
    const near = pid === undefined || Number.isNaN(this.#times[pid]!) ? this.#latest : this.#times[pid]!
    if (Number.isNaN(near) || Math.abs(difference(near, now)) <= jumpTicks) return now
    const before = wrapped(time + this.#offsetBefore)
    if (Math.abs(difference(near, before)) <= jumpTicks) return before
    this.#breaks++
    // What is shown comes as long after its clock as it did before.
    this.#rebase(pid !== undefined ? time : wrapped(time + (this.#lead || 0)))
    return wrapped(time + this.#offset)
  }

  /** Lets `time` come right after what was put out last. */
  #rebase(time: number): void {
    this.#offsetBefore = this.#offset
    if (!Number.isNaN(this.#latest)) this.#offset = wrapped(this.#latest + gapTicks - time)
  }

  #note(pid: number, time: number, shownAt: number): void {
    this.#times[pid] = time
    const ahead = difference(this.#latest, shownAt)
    if (Number.isNaN(this.#latest) || ahead > 0 || ahead < -jumpTicks) this.#latest = shownAt
  }

  /** Notes a place where decoders can begin. */
  #mark(bytes: Uint8Array, at: number, pid: number, entries: Entry[]): void {
    const shown = this.#shown
    if (shown === undefined || this.#pmtPackets.length === 0 || !startsUnit(bytes, at)) return
    if (shown.video === undefined ? pid !== shown.streams[0]!.pid : pid !== shown.video) return
    if (shown.video !== undefined) {
      const { streamType } = shown.streams.find(stream => stream.pid === pid)!
      if (!isEntry(bytes, at, streamType)) return
    }
    const counters = new Map<number, number>()
    for (const other of this.#seen) {
      if (other === patPid || other === this.#shownPmtPid) continue
      const counter = this.#counters[other]!
      counters.set(other, other === pid ? (counter - 1) & 0x0f : counter)
    }
    entries.push({ at, time: this.#times[pid]!, tables: joined(this.#patPackets, this.#pmtPackets), counters })
  }

  #putPat(room: Uint8Array, to: number): number {
    if (this.#patSection === undefined) return to
    const packets = this.#tablePackets(patPid, this.#patSection)
    this.#patPackets = packets
    room.set(packets, to)
    return to + packets.length
  }

  #putPmt(room: Uint8Array, to: number): number {
    const packets = this.#tablePackets(this.#shownPmtPid, this.#shown!.section)
    this.#pmtPackets = packets
    room.set(packets, to)
    return to + packets.length
  }

  #tablePackets(pid: number, section: Uint8Array): Uint8Array {
    const whole = new Uint8Array(section.length + 4)
    whole.set(section)
    new DataView(whole.buffer).setUint32(section.length, sectionCrc(section))
    const last = this.#counters[pid]!
    const packets = sectionPackets(pid, whole, last === unset ? 0 : last + 1)
    this.#counters[pid] = counterOf(packets, packets.length - packetBytes)
    return packets
  }
}

/** Bits from all over a packet's payload, without its counter. */
function printOf(bytes: Uint8Array, at: number): number {
  const end = at + packetBytes
  let print = 0
  for (let from = at + 12; from + 4 <= end; from += 44)
    print = (Math.imul(print, 31) + bytes[from]! + (bytes[from + 1]! << 8) + (bytes[from + 2]! << 16)) | 0
  return print
}

/** The next place that may begin a packet; the end of the bytes when there is none. */
function nextSync(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === syncByte && (at + packetBytes >= bytes.length || bytes[at + packetBytes] === syncByte)) return at
  }
  return bytes.length
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** The program with a version number after the old one's, so that clients notice. */
function withVersionAfter(program: Program, old: Program): Program {
  const section = Uint8Array.from(program.section)
  const version = ((old.section[5]! >> 1) + 1) & 0x1f
  section[5] = (section[5]! & 0xc1) | (version << 1)
  return { ...program, section }
}
