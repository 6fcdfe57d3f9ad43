import type { ComponentChildren } from 'preact'
import './progress.css'

/** How far something has come, with the words beside it; without `max` it is only under way. */
export function Progress({
  label,
  value,
  max,
  children,
}: {
  label: string
  value?: number | undefined
  max?: number | undefined
  children: ComponentChildren
}) {
  return (
    <>
      <progress aria-label={label} {...(max !== undefined && { max, value: Math.min(value ?? 0, max) })} />
      <span class="soft">{children}</span>
    </>
  )
}
