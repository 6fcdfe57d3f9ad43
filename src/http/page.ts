import { createHash } from 'node:crypto'
import { iconLink } from './icon.ts'
import type { Overview } from './ports.ts'

export const style = `
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e8ebf0); --soft: light-dark(#556070, #a3adbb);
  --paper: light-dark(#f6f7f9, #14181e); --card: light-dark(#ffffff, #1d232c); --line: light-dark(#dfe3e9, #303946);
  --accent: light-dark(#8a3d00, #ffb073); --alert: light-dark(#fff3e0, #3a2a16) }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: clamp(1.5rem, 6vw, 4rem) 1.25rem }
h1 { margin: 0; font-size: clamp(1.8rem, 5vw, 2.6rem); letter-spacing: -.02em; line-height: 1.15 }
h2 { margin: 2.5rem 0 .75rem; font-size: .85rem; font-weight: 600; color: var(--soft) }
p { margin: .6rem 0 0; max-width: 40rem } .summary { font-size: 1.15rem; color: var(--soft) }
.notice { margin-top: 1rem; padding: .7rem 1rem; background: var(--alert); border-left: 4px solid var(--accent) }
dl.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 2rem 0 0 }
dl.counts div { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem }
dl.counts dt { color: var(--soft); font-size: .9rem }
dl.counts dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
h3 { margin: 1rem 0 .35rem; font-size: 1rem; font-weight: 500 }
pre { margin: 0; padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line);
  border-radius: .6rem; font: .9rem/1.5 ui-monospace, monospace; user-select: all }
ul { margin: 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .4rem 1.5rem }
a { color: var(--accent); text-underline-offset: .2em }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: .2rem }
`

const styleHash = createHash('sha256').update(style).digest('base64')

/** The page runs no script, loads nothing but the icon, and may use its own style only. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; img-src 'self'; style-src 'sha256-${styleHash}'; ` +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
} as const

/** What runs here, how to mount it, how much there is. */
export function renderPage({ title, summary, commands, counts, notices, links }: Overview): string {
  const each = <T>(items: readonly T[], render: (item: T) => Html): Html =>
    raw(items.map(item => render(item).text).join('\n'))
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${raw(iconLink)}
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="summary">${summary}</p>
${each(notices, notice => html`<p class="notice" role="status">${notice}</p>`)}
${
  counts.length > 0
    ? html`<dl class="counts">
${each(counts, ({ label, value }) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}
</dl>`
    : raw('')
}
${commands.length > 0 ? raw('<h2>Mount it</h2>') : raw('')}
${each(
  commands,
  ({ label, command }) => html`<h3>${label}</h3>
<pre tabindex="0" aria-label="${label}"><code>${command}</code></pre>`,
)}
${
  links.length > 0
    ? html`<h2 id="more">More</h2>
<nav aria-labelledby="more"><ul>
${each(links, ({ label, href }) => html`<li><a href="${href}">${label}</a></li>`)}
</ul></nav>`
    : raw('')
}
</main>
</body>
</html>
`.text
}

/** Text that is HTML already. */
export interface Html {
  readonly text: string
}

export function raw(text: string): Html {
  return { text }
}

/** A template in which every plain text is escaped, in content and in quoted attributes. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  const filled = values.map(
    (value, index) => (typeof value === 'string' ? escaped(value) : value.text) + parts[index + 1],
  )
  return raw(parts[0] + filled.join(''))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => entities[character]!)
}
