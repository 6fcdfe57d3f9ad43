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
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
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

/** A film strip with a hole in it. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#b4530a"/><path d="M9 8h11a5 5 0 0 1 1.2 9.86L24 24h-4l-2.6-6H13v6H9zm4 3.4v3.4h6.4a1.7 1.7 0 0 0 0-3.4z" fill="#fff"/></svg>`
