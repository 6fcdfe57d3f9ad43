import { randomBytes } from 'node:crypto'

/** Every other digit counts as what is here in its place, the rest as they are; all together come to nothing. */
const odd = [0xa, 0x5, 0xf, 0x6, 0x7, 0xc, 0x1, 0xb, 0x9, 0x2, 0x8, 0xd, 0x4, 0x3, 0xe, 0x0]

/** True for 8 hexadecimal digits with the maker's checksum (libhdhomerun, `hdhomerun_discover_validate_device_id`). */
export function isDeviceId(text: string): boolean {
  return /^[0-9a-f]{8}$/i.test(text) && checksum(text) === 0
}

/** A random device id, upper case, that begins with 1 as those of real devices do. */
export function newDeviceId(): string {
  const first = `1${randomBytes(3).toString('hex')}`
  return `${first}${checksum(`${first}0`).toString(16)}`.toUpperCase()
}

function checksum(text: string): number {
  return [...text].reduce((sum, digit, at) => {
    const value = Number.parseInt(digit, 16)
    return sum ^ (at % 2 === 0 ? odd[value]! : value)
  }, 0)
}
