/**
 * `count` places in order between two others, so that an entry can come between any two without moving the rest. An end that
 * is undefined is open. Undefined when the numbers between the two are used up, after some 50 insertions at one point.
 */
export function placesBetween(
  low: number | undefined,
  high: number | undefined,
  count: number,
): readonly number[] | undefined {
  const from = low ?? (high === undefined ? 0 : high - count - 1)
  const to = high ?? from + count + 1
  const places = Array.from({ length: count }, (_, index) => from + ((to - from) * (index + 1)) / (count + 1))
  const isOrdered = [from, ...places, to].every((place, index, all) => index === 0 || all[index - 1]! < place)
  return isOrdered ? places : undefined
}
