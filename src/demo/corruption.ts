/** A transport stream that comes over a bad line. */
export interface Corruption {
  /** Of a thousand packets, so many have a bit turned over, anywhere in them. */
  readonly damagedPerThousand?: number
  /** Of a thousand packets, so many are missing. */
  readonly lostPerThousand?: number
  /** Each number gives other packets; 1 when left out. The same packets of the same answer each time. */
  readonly seed?: number
}

const PACKET_BYTES = 188

/** The body with some of its packets damaged or missing; what follows the last whole packet is passed on as it is. */
export async function* corrupted(
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  { damagedPerThousand = 0, lostPerThousand = 0, seed = 1 }: Corruption,
): AsyncGenerator<Buffer> {
  const random = randomNumbers(seed)
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of body) {
    const bytes = Buffer.concat([rest, chunk])
    const kept: Buffer[] = []
    let at = 0
    for (; at + PACKET_BYTES <= bytes.length; at += PACKET_BYTES) {
      const packet = bytes.subarray(at, at + PACKET_BYTES) // of a copy
      const [isLost, isDamaged] = [random() * 1000 < lostPerThousand, random() * 1000 < damagedPerThousand]
      if (isDamaged) packet[Math.floor(random() * PACKET_BYTES)]! ^= 1 << Math.floor(random() * 8)
      if (!isLost) kept.push(packet)
    }
    rest = bytes.subarray(at)
    if (kept.length > 0) yield Buffer.concat(kept)
  }
  if (rest.length > 0) yield rest
}

/** Numbers from 0 up to 1, the same ones for each seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
