import {
  counterOf,
  difference,
  hasPayload,
  isDiscontinuity,
  packetBytes,
  patPid,
  payloadAt,
  pidOf,
  readTimestamp,
  sectionCrc,
  setCounter,
  startsUnit,
  syncByte,
  timestampsAt,
} from '../lib/mpegts/packets.ts'
import { readPat, SectionReader } from '../lib/mpegts/tables.ts'
import { isEntry, type Program, programOf } from './program.ts'

/** A picture may have so many bytes; one that has more is taken for damaged. */
const maxPictureBytes = 8 * 2 ** 20
const noPid = -1

/**
 * Takes the pictures out of a transport stream that did not come whole, and those that are decoded from them: all up to the next
 * one with which a decoder can begin. What goes on counts its packets (continuity_counter) as if the rest had never been.
 * Damage is what ISO/IEC 13818-1 lets a reader see: packets that are missing (section 2.4.3.3), that say that they have an
 * error, or that are scrambled. A bit that was turned over within a packet cannot be seen without decoding it.
 */
export class WholePictures {
  #rest: Uint8Array = new Uint8Array(0)
  readonly #pat = new SectionReader()
  readonly #pmt = new SectionReader()
  #pmtPid = noPid
  #program: Program | undefined
  /** The picture that is coming: its packets so far. */
  #picture: Uint8Array[] = []
  /** Nothing of the picture is to be had before the next one to begin with. */
  #isLost = true
  /** When the picture with which it began again is shown: those before it are made from lost ones. */
  #beganAt: number | undefined
  /** In: the counter of the last packet with payload. */
  #counter: number | undefined
  #counterOut = 0

  /** Takes bytes cut anywhere; gives whole packets. A picture comes out when the next one begins. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.concat([this.#rest, chunk]) // of its own: counters are written into it
    const kept: Uint8Array[] = []
    let at = 0
    while (at + packetBytes <= bytes.length) {
      if (bytes[at] !== syncByte) {
        at++
        continue
      }
      this.#packet(bytes.subarray(at, at + packetBytes), kept)
      at += packetBytes
    }
    this.#rest = bytes.subarray(at)
    return Buffer.concat(kept)
  }

  #packet(packet: Uint8Array, kept: Uint8Array[]): void {
    const pid = pidOf(packet, 0)
    const isMarked = (packet[1]! & 0x80) !== 0 // transport_error_indicator
    if (pid === this.#program?.video) this.#pictures(packet, isMarked || (packet[3]! & 0xc0) !== 0, kept)
    else if (!isMarked) {
      if (pid === patPid || pid === this.#pmtPid) this.#table(packet, pid)
      kept.push(packet)
    }
  }

  #table(packet: Uint8Array, pid: number): void {
    const payload = packet.subarray(payloadAt(packet, 0))
    if (payload.length === 0) return
    const reader = pid === patPid ? this.#pat : this.#pmt
    reader.push(payload, startsUnit(packet, 0), (section, crc) => {
      if (sectionCrc(section) !== crc) return
      if (pid === this.#pmtPid) this.#take(programOf(section))
      else this.#pmtPid = readPat(section) ?? this.#pmtPid
    })
  }

  #take(program: Program | undefined): void {
    if (program === undefined || program.video === this.#program?.video) return
    this.#program = program
    this.#counter = undefined
    this.#lose()
  }

  #pictures(packet: Uint8Array, isDamaged: boolean, kept: Uint8Array[]): void {
    if (!hasPayload(packet, 0)) {
      if (isDamaged) return
      setCounter(packet, 0, this.#counterOut)
      kept.push(packet)
      return
    }
    const counter = counterOf(packet, 0)
    const last = this.#counter
    this.#counter = counter
    // A packet may be sent twice (section 2.4.3.3).
    if (counter === last && !isDiscontinuity(packet, 0)) return
    const isGap = last !== undefined && counter !== ((last + 1) & 0x0f) && !isDiscontinuity(packet, 0)
    if (isDamaged || isGap) this.#lose()
    if (isDamaged) return
    if (startsUnit(packet, 0)) this.#begin(packet, kept)
    else if (!this.#isLost && this.#picture.length > 0) this.#picture.push(packet)
    if (this.#picture.length * packetBytes > maxPictureBytes) this.#lose()
  }

  /** A picture begins: the one before it is whole. */
  #begin(packet: Uint8Array, kept: Uint8Array[]): void {
    for (const whole of this.#picture) {
      this.#counterOut = (this.#counterOut + 1) & 0x0f
      setCounter(whole, 0, this.#counterOut)
      kept.push(whole)
    }
    this.#picture = []
    const stamps = timestampsAt(packet, 0)
    const shownAt = stamps && readTimestamp(packet, stamps.pts)
    const { streams, video } = this.#program!
    if (isEntry(packet, 0, streams.find(({ pid }) => pid === video)!.streamType)) {
      this.#beganAt = this.#isLost ? shownAt : undefined
      this.#isLost = false
    }
    if (this.#isLost) return
    const isMadeFromLost =
      this.#beganAt !== undefined && shownAt !== undefined && difference(this.#beganAt, shownAt) < 0
    if (!isMadeFromLost) this.#picture = [packet]
  }

  #lose(): void {
    this.#picture = []
    this.#isLost = true
  }
}
