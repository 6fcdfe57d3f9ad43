/** What a figure should be: at least, or at most, so much. */
export type Target = { readonly least: number } | { readonly most: number }

export interface Figure {
  /** The benchmark, then what was measured: `nfs getattr`. */
  readonly name: string
  readonly unit: string
  readonly ours: number
  /** The same of what it is compared with. */
  readonly theirs?: { readonly name: string; readonly value: number } | undefined
  /** Of the ratio ours / theirs where there is something to compare with, else of ours. */
  readonly target?: Target
}

/** Prints one comparable line. */
export function report({ name, unit, ours, theirs, target }: Figure): void {
  const measured = theirs === undefined ? ours : ours / theirs.value
  const compared = theirs && `${theirs.name} ${readable(theirs.value)} ${unit}   ratio ${readable(measured)}`
  const columns = [name.padEnd(34), `ours ${readable(ours)} ${unit}`.padEnd(26), (compared ?? '').padEnd(48)]
  if (target !== undefined)
    columns.push(`${wanted(target).padEnd(16)} ${meets(measured, target) ? 'reached' : 'MISSED'}`)
  process.stdout.write(`${columns.join(' ').trimEnd()}\n`)
}

/** Says something that is no figure: what is being prepared, or why something is missing. */
export function note(text: string): void {
  process.stdout.write(`# ${text}\n`)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const wanted = (target: Target) => ('least' in target ? `at least ${target.least}` : `at most ${target.most}`)
const meets = (value: number, target: Target) => ('least' in target ? value >= target.least : value <= target.most)

function readable(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value >= 1000 ? 5 : 3 })
}
