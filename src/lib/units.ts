const sizeUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 }
const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Bytes from text such as `200GiB`, `1.5 TB` or `4096`; undefined when it is no size. Units: B, KiB…TiB, KB…TB. */
export function parseSize(text: string): number | undefined {
  return parse(text, sizeUnits, 1)
}

/**
 * Milliseconds from text such as `30s`, `1.5h`, `7d`, `250ms` or `1h 30m`; undefined when it is no duration. A unit is
 * required.
 */
export function parseDuration(text: string): number | undefined {
  const parts = text.match(/\d+(?:\.\d+)?\s*[A-Za-z]+/g) ?? []
  if (
    parts.length > Object.keys(durationUnits).length ||
    parts.join('') !== text.trim().replace(/([A-Za-z])\s+/g, '$1')
  ) {
    return undefined
  }
  let sum = 0
  for (const part of parts) sum += parse(part, durationUnits, undefined) ?? Number.NaN
  return parts.length > 0 && Number.isSafeInteger(sum) ? sum : undefined
}

function parse(text: string, units: Readonly<Record<string, number>>, bare: number | undefined): number | undefined {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text) ?? []
  if (digits === undefined || unit === undefined) return undefined
  const name = Object.keys(units).find(known => known.toLowerCase() === unit.toLowerCase())
  const factor = unit === '' ? bare : name === undefined ? undefined : units[name]
  const value = factor === undefined ? Number.NaN : Math.round(Number(digits) * factor)
  return Number.isSafeInteger(value) ? value : undefined
}

/** `1.4 GiB`, for people. */
export function formatSize(bytes: number): string {
  let value = bytes
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1023.95) return unit === 'B' ? `${value} B` : `${value.toFixed(1)} ${unit}`
    value /= 1024
  }
  return `${value.toFixed(1)} TiB`
}

/** `850ms`, `12s`, `4m 5s`, `3h 20m`, `2d 4h`: the two largest units, for people. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`
  const seconds = Math.round(ms / 1000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}
