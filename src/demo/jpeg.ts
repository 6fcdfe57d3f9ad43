/**
 * A small baseline JPEG (ITU-T T.81) of blocks of 8 by 8 pixels, each of one colour: all that is coded of a block is its mean, so
 * the whole encoder is one page, and the same colours are the same bytes.
 */
export function jpeg(
  blocksWide: number,
  blocksHigh: number,
  colorOf: (x: number, y: number) => readonly number[],
): Buffer {
  const bits = new BitWriter()
  const last = [0, 0, 0]
  for (let y = 0; y < blocksHigh; y++) {
    for (let x = 0; x < blocksWide; x++) {
      for (const [at, mean] of ycbcr(colorOf(x, y)).entries()) {
        const coefficient = Math.round(mean) // of 8 × 8 samples of `mean` the DC coefficient is 8 × mean, and 8 is its quantum
        writeDifference(bits, coefficient - last[at]!)
        last[at] = coefficient
        bits.write(0b00, 2) // no other coefficient: "end of block"
      }
    }
  }
  return Buffer.concat([...header(blocksWide * 8, blocksHigh * 8), bits.end(), Buffer.of(0xff, 0xd9)])
}

function header(width: number, height: number): readonly Buffer[] {
  return [
    Buffer.of(0xff, 0xd8),
    segment(0xe0, [...Buffer.from('JFIF\0'), 1, 1, 0, ...u16(1), ...u16(1), 0, 0]),
    segment(0xdb, [0, ...Array.from({ length: 64 }, () => 8)]),
    segment(0xc0, [8, ...u16(height), ...u16(width), 3, ...[1, 2, 3].flatMap(component => [component, 0x11, 0])]),
    // Twelve lengths of differences with codes of 4 bits, 0000 to 1011; and one AC code, of 2 bits: 00.
    segment(0xc4, [0x00, ...counts(4, 12), ...Array.from({ length: 12 }, (_, category) => category)]),
    segment(0xc4, [0x10, ...counts(2, 1), 0]),
    segment(0xda, [3, ...[1, 2, 3].flatMap(component => [component, 0x00]), 0, 63, 0]),
  ]
}

/** How many codes there are of 1 to 16 bits. */
const counts = (bits: number, codes: number) => Array.from({ length: 16 }, (_, at) => (at + 1 === bits ? codes : 0))

function writeDifference(bits: BitWriter, difference: number): void {
  const category = 32 - Math.clz32(Math.abs(difference))
  bits.write(category, 4)
  bits.write(difference < 0 ? difference + 2 ** category - 1 : difference, category)
}

/** Around 0, as JPEG codes samples. */
function ycbcr([red = 0, green = 0, blue = 0]: readonly number[]): readonly number[] {
  const luma = 0.299 * red + 0.587 * green + 0.114 * blue
  return [luma - 128, 0.564 * (blue - luma), 0.713 * (red - luma)]
}

const u16 = (value: number) => [value >> 8, value & 0xff]

const segment = (marker: number, content: readonly number[]) =>
  Buffer.from([0xff, marker, ...u16(content.length + 2), ...content])

class BitWriter {
  readonly #bytes: number[] = []
  #byte = 0
  #filled = 0

  write(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      this.#byte = (this.#byte << 1) | ((value >> bit) & 1)
      if (++this.#filled === 8) this.#flush()
    }
  }

  end(): Buffer {
    while (this.#filled > 0) this.write(1, 1)
    return Buffer.from(this.#bytes)
  }

  #flush(): void {
    this.#bytes.push(this.#byte)
    if (this.#byte === 0xff) this.#bytes.push(0) // a marker it is not
    this.#byte = 0
    this.#filled = 0
  }
}
