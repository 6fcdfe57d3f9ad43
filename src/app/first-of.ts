const maxNamed = 10

/** The first ten numbers, for a message. */
export function firstOf(numbers: readonly number[]): string {
  return `${numbers.slice(0, maxNamed).join(', ')}${numbers.length > maxNamed ? ' …' : ''}`
}
