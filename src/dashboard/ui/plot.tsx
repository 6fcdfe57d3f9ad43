/** Lines over time. */

import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock } from './format.ts'
import './plot.css'

export interface Line {
  readonly label: string
  /** A colour of the style sheet: `--line-1`. */
  readonly colour: string
  readonly values: readonly number[]
}

const height = 200
const minutes = [1, 2, 5, 10, 15, 30].map(count => count * 60)
const powersOfTwo = Array.from({ length: 50 }, (_, power) => 2 ** power)
/** Of a server that was just started, so much is shown as if it were there. */
const leastSeconds = 300

/** `summary` says in words what the lines show now, for who does not see them. */
export function Plot({
  at,
  lines,
  format,
  least,
  isBytes = false,
  summary,
}: {
  /** Milliseconds since the epoch. */
  at: readonly number[]
  lines: readonly Line[]
  format: (value: number) => string
  /** The axis reaches at least this far up. */
  least: number
  /** Its steps are powers of two. */
  isBytes?: boolean
  summary: string
}) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const data = [at.map(ms => ms / 1000), ...lines.map(({ values }) => values)] as unknown as uPlot.AlignedData
  const latest = useRef(data)
  latest.current = data

  useEffect(() => {
    const place = box.current!
    const make = () => {
      plot.current?.destroy()
      plot.current = new uPlot(options(place, lines, format, { least, isBytes }), latest.current, place)
    }
    make()
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', make)
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height }))
    resized.observe(place)
    return () => {
      dark.removeEventListener('change', make)
      resized.disconnect()
      plot.current?.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData(data), [at, lines.length])

  return (
    <figure class="plot">
      <div ref={box} class="plot-box" role="img" aria-label={summary} />
      <figcaption>
        {lines.map(({ label, colour, values }) => (
          <span key={label} class="legend">
            <i class={`swatch ${colour.slice(2)}`} />
            {label} <b>{format(values.at(-1) ?? 0)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  )
}

function options(
  place: HTMLElement,
  lines: readonly Line[],
  format: (value: number) => string,
  { least, isBytes }: { readonly least: number; readonly isBytes: boolean },
): uPlot.Options {
  const colour = (name: string) => resolved(place, name)
  const axis = {
    stroke: colour('--soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  }
  return {
    width: place.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 20, 0, 0], // half a label at the end
    scales: {
      x: {
        range: (_, first, last) => {
          const end = last ?? Date.now() / 1000 // while there is no sample
          return [Math.min(first ?? end, end - leastSeconds), end]
        },
      },
      y: { range: (_, __, most) => [0, Math.max((most ?? 0) * 1.1, least)] },
    },
    axes: [
      { ...axis, size: 28, incrs: minutes, values: (_, splits) => splits.map(at => clock(at * 1000)), space: 70 },
      {
        ...axis,
        size: 82,
        values: (_, splits) => splits.map(format),
        space: 36,
        ...(isBytes && { incrs: powersOfTwo }),
      },
    ],
    series: [
      {},
      ...lines.map(line => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        fill: `color-mix(in srgb, ${colour(line.colour)} 12%, transparent)`,
        points: { show: false },
      })),
    ],
  }
}

/** A colour of the style sheet as a canvas takes it: for the light or the dark scheme, whichever is shown. */
function resolved(place: HTMLElement, name: string): string {
  place.style.color = `var(${name})`
  const { color } = getComputedStyle(place)
  place.style.color = ''
  return color
}
