/** Small pieces that all pages are made of. */

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { number } from './format.ts'
import { doing } from './store.ts'
import './parts.css'

export function Page({
  title,
  lead,
  tools,
  children,
}: {
  title: string
  lead?: ComponentChildren
  tools?: ComponentChildren
  children: ComponentChildren
}) {
  useEffect(() => {
    document.title = `${title} · reelport`
  }, [title])
  return (
    <>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          {lead !== undefined && <p class="lead">{lead}</p>}
        </div>
        {tools !== undefined && <div class="tools">{tools}</div>}
      </header>
      {children}
    </>
  )
}

export function Card({
  title,
  aside,
  children,
  wide,
}: {
  title: string
  aside?: ComponentChildren
  children: ComponentChildren
  wide?: boolean
}) {
  const id = `card-${title.toLowerCase().replace(/\W+/g, '-')}`
  return (
    <section class={wide ? 'card wide' : 'card'} aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <span class="aside">{aside}</span>}
      </div>
      {children}
    </section>
  )
}

export function Figure({ label, value, more }: { label: string; value: string; more?: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {value}
        {more !== undefined && <small>{more}</small>}
      </dd>
    </div>
  )
}

export type Tone = 'good' | 'bad' | 'busy' | 'calm'

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>
}

/** How much of something is used, with the words beside it: colour alone says nothing. */
export function Meter({ label, value, max, text }: { label: string; value: number; max: number; text: string }) {
  const share = max > 0 ? Math.min(1, value / max) : 0
  return (
    <div class="meter">
      <div class="meter-head">
        <span>{label}</span>
        <span>{text}</span>
      </div>
      <div class="track" aria-hidden="true">
        <div class={share >= 1 ? 'fill full' : 'fill'} style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  )
}

/** A table that scrolls by itself where it is too wide, also from the keyboard. */
export function Table({
  caption,
  head,
  children,
}: {
  caption: string
  head: readonly string[]
  children: ComponentChildren
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached without a mouse
    <section class="table" aria-label={caption} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head.map(text => (
              <th key={text} scope="col">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** The answer is not there yet. */
export function Looking() {
  return <p class="empty tall">Looking …</p>
}

/** A field to search with: tells what is typed when there is a pause in it. */
export function Search({
  placeholder,
  value,
  search,
}: {
  placeholder: string
  value: string
  search: (text: string) => void
}) {
  const timer = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <label>
      <span>Search</span>
      <input
        type="search"
        placeholder={placeholder}
        defaultValue={value}
        onInput={({ currentTarget }) => {
          clearTimeout(timer.current)
          timer.current = setTimeout(() => search(currentTarget.value), typingMs)
        }}
      />
    </label>
  )
}

const typingMs = 250

/** Leafs through pages that begin behind cursors: `cursors` are those of the pages so far, `next` is where the next one begins. */
export function Pager<Cursor>({
  of,
  cursors,
  isLast,
  next,
  go,
}: {
  of: string
  cursors: readonly Cursor[]
  isLast: boolean
  /** Undefined while this page is not there yet. */
  next: Cursor | undefined
  go: (cursors: readonly Cursor[]) => void
}) {
  return (
    <nav class="pager" aria-label={`Pages of ${of}`}>
      <button
        type="button"
        class="button"
        aria-disabled={cursors.length === 0}
        onClick={() => go(cursors.slice(0, -1))}
      >
        ← Before
      </button>
      <span>Page {number(cursors.length + 1)}</span>
      <button
        type="button"
        class="button"
        aria-disabled={isLast}
        onClick={() => !isLast && next !== undefined && go([...cursors, next])}
      >
        Next →
      </button>
    </nav>
  )
}

/** A button that does something at the server; what came of it is read out. */
export function Act({
  id,
  label,
  name,
  done,
  action,
  kind = '',
  disabled = false,
}: {
  id?: string
  /** What is on it. */
  label: ComponentChildren
  /** What it does to what, for who cannot see where it is. */
  name?: string
  done: string
  action: () => Promise<unknown>
  kind?: string
  disabled?: boolean
}) {
  const [isBusy, setBusy] = useState(false)
  const run = async () => {
    if (isBusy || disabled) return
    setBusy(true)
    await doing(done, action)
    setBusy(false)
  }
  return (
    <button
      type="button"
      {...(id !== undefined && { id })}
      class={`button ${kind}`}
      aria-label={name}
      aria-disabled={isBusy || disabled}
      onClick={() => void run()}
    >
      {label}
    </button>
  )
}

export function Copy({ text, label }: { text: string; label: string }) {
  const shown = useRef<HTMLPreElement>(null)
  return (
    <section class="code" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached without a mouse */}
      <pre tabIndex={0} ref={shown}>
        {text}
      </pre>
      <Act label="Copy" name={`Copy: ${label}`} done="Copied." action={() => copy(text, shown.current!)} />
    </section>
  )
}

/** Scripts have a clipboard over TLS and on the machine itself only; what is selected can be copied anywhere. */
async function copy(text: string, shown: HTMLElement): Promise<void> {
  if (navigator.clipboard !== undefined) return await navigator.clipboard.writeText(text)
  getSelection()!.selectAllChildren(shown)
  if (!document.execCommand('copy')) throw new Error('the text is selected, copy it from the keyboard')
}

/** The answer to a question to the server, asked again when `ask` has other `keys`; the last one stays until then. */
export function useAnswer<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
): { readonly value?: T; readonly error?: string } {
  const [answer, setAnswer] = useState<{ readonly value?: T; readonly error?: string }>({})
  useEffect(() => {
    const gone = new AbortController()
    ask(gone.signal).then(
      value => !gone.signal.aborted && setAnswer({ value }),
      error => !gone.signal.aborted && setAnswer({ error: (error as Error).message }),
    )
    return () => gone.abort()
  }, keys)
  return answer
}
