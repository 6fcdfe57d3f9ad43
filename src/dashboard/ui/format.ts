/** Numbers and times for people. */

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `1.4 GiB`. */
export function size(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1023.95 && unit < sizes.length - 1) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(unit > 0 && value < 100 ? 1 : 0)} ${sizes[unit]}`
}

export const rate = (bytesPerSecond: number): string => `${size(bytesPerSecond)}/s`

export const number = (value: number): string => value.toLocaleString('en')

export const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${Math.round((part / whole) * 100)} %`

/** `3 h 20 min`, in two units at most. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  if (hours > 0) return `${hours} h ${minutes} min`
  if (minutes > 0) return `${minutes} min`
  return `${seconds} s`
}

/** Times are this machine's, in 24 hours. */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

export const clockWithSeconds = (at: number): string => new Date(at).toLocaleTimeString('en-GB')

export const date = (at: number): string =>
  new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

export const moment = (at: number): string => `${date(at)}, ${clock(at)}`

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}
