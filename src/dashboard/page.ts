import type { Assets } from './assets.ts'

/** Only our own script and style run, nothing is loaded from or sent to anywhere else. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"],
  ].join('; '),
} as const

/** The same page for every route of the dashboard. Without scripts, the plain page has what is needed to mount. */
export function renderShell({ script, style }: Assets): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>reelport</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/${style.name}">
<script type="module" src="/assets/${script.name}"></script>
<noscript><meta http-equiv="refresh" content="0; url=/plain"></noscript>
</head>
<body>
<div id="app"></div>
<noscript>This page needs JavaScript. <a href="/plain">How to mount, without it</a></noscript>
</body>
</html>
`
}
