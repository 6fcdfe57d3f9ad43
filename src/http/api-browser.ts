import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { FastifyPluginAsync } from 'fastify'
import { iconLink } from './icon.ts'

const scripts = { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'private, max-age=3600' } as const
const styles = { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'private, max-age=3600' } as const

/** Everything is from here. Its pictures are data: in its style sheet; it asks the API, as whoever is signed in. */
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
} as const

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${iconLink}
<title>reelport API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<script src="/api/docs/swagger-ui-bundle.js" defer></script>
<script src="/api/docs/start.js" defer></script>
</head>
<body><div id="operations"></div></body>
</html>
`

const start = `SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#operations',
  deepLinking: true,
  validatorUrl: null, // or it would show our document to somebody else's server
  requestInterceptor(request) {
    request.headers['X-Requested-With'] = 'docs' // changes with a session's cookie need it
    return request
  },
})
`

/** `/api/docs`: the API to read and to try, without anything from elsewhere. */
export const apiBrowser: FastifyPluginAsync = async app => {
  const hidden = { schema: { hide: true } }
  app.get('/api/docs', hidden, async (_request, reply) => reply.headers(pageHeaders).send(page))
  app.get('/api/docs/start.js', hidden, async (_request, reply) => reply.headers(scripts).send(start))
  const file = (name: string) => readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`))
  app.get('/api/docs/swagger-ui-bundle.js', hidden, async (_request, reply) =>
    reply.headers(scripts).send(await file('swagger-ui-bundle.js')),
  )
  app.get('/api/docs/swagger-ui.css', hidden, async (_request, reply) =>
    reply.headers(styles).send(await file('swagger-ui.css')),
  )
}
