import { useState } from 'preact/hooks'
import './poster.css'

/** A title's poster, by way of our own server; where there is none, its initial in the same place. */
export function Poster({
  id,
  name,
  hasPoster,
  alt,
}: {
  id: number
  name: string
  hasPoster: boolean
  /** Empty where the name stands beside it. */
  alt: string
}) {
  const [isGone, setGone] = useState(false)
  if (!hasPoster || isGone)
    return (
      <span class={`poster blank hue-${id % 6}`} aria-hidden="true">
        {name.slice(0, 1)}
      </span>
    )
  return (
    <img
      class="poster"
      src={`/api/library/${id}/poster`}
      alt={alt}
      width="160"
      height="240"
      loading="lazy"
      decoding="async"
      onError={() => setGone(true)}
    />
  )
}
