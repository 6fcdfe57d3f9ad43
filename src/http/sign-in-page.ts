import { createHash } from 'node:crypto'
import { iconLink } from './icon.ts'
import { html, raw, style } from './page.ts'

const formStyle = `${style}
form { display: grid; gap: .75rem; max-width: 22rem; margin-top: 1.5rem }
label { color: var(--soft); font-size: .9rem }
input, button { font: inherit; padding: .6rem .8rem; border-radius: .6rem; border: 1px solid var(--line) }
input { background: var(--card); color: var(--ink) }
button { background: var(--accent); color: var(--paper); border: 0; font-weight: 600; cursor: pointer }
`

const styleHash = createHash('sha256').update(formStyle).digest('base64')

export const signInHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    `default-src 'none'; img-src 'self'; style-src 'sha256-${styleHash}'; ` +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  // Without a referrer browsers send a form's Origin as null, by which we could not tell our own page.
  'referrer-policy': 'same-origin',
} as const

export interface SignInPage {
  readonly hasPassword: boolean
  /** Where to go then: a path of ours. */
  readonly target: string
  /** Why the last try did not work. */
  readonly complaint?: string
}

/** The form for the password; while there is none, what to do about it. */
export function renderSignIn({ hasPassword, target, complaint }: SignInPage): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${raw(iconLink)}
<title>Sign in to reelport</title>
<style>${raw(formStyle)}</style>
</head>
<body>
<main>
<h1>reelport</h1>
${complaint === undefined ? raw('') : html`<p class="notice" role="alert">${complaint}</p>`}
${hasPassword ? form(target) : raw(firstSteps)}
</main>
</body>
</html>
`.text
}

// A browser does not send the cookie when it comes here from another site's link, signed in or not: hence the link.
const form = (target: string) => html`<form method="post" action="/sign-in">
<input type="hidden" name="to" value="${target}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button>
</form>
<p><a href="${target}">I am signed in already</a></p>`

const firstSteps = `<p class="summary">No password is set yet, so nobody can look from here.</p>
<h2>Set one where the server runs</h2>
<pre tabindex="0" aria-label="Command"><code>reelport password</code></pre>
<h3>In a checkout</h3>
<pre tabindex="0" aria-label="Command in a checkout"><code>npm run reelport -- password</code></pre>
<h3>In a container</h3>
<pre tabindex="0" aria-label="Command in a container"><code>docker exec -it reelport reelport password</code></pre>
<p>Then load this page again: no restart is needed. The settings http.password and http.passwordFile do the same.</p>`
