import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '..')

/** Who may import whom: ARCHITECTURE.md, "Who may import whom", as data. Node's own modules are free for all. */
const allowed: Record<string, { ours: readonly string[]; theirs: readonly string[] }> = {
  'packages/protocol-rpc/src': { ours: [], theirs: [] },
  'src/lib': { ours: [], theirs: ['better-sqlite3', 'pino', 'pino-pretty', 'prom-client', 'tar'] },
  'src/config': { ours: ['src/lib'], theirs: ['zod', 'yaml', 'croner'] },
  'src/nfs': { ours: ['src/lib'], theirs: ['@nfs/protocol-rpc', 'lru-cache'] },
  'src/catalog': { ours: ['src/lib'], theirs: ['better-sqlite3', '@ctrl/video-filename-parser', 'xmlbuilder2'] },
  'src/materialize': { ours: ['src/lib'], theirs: ['better-sqlite3', 'lru-cache'] },
  'src/backup': { ours: ['src/lib'], theirs: ['tar'] },
  'src/access': { ours: ['src/lib'], theirs: [] },
  'src/attachments': { ours: ['src/lib'], theirs: [] },
  'src/queue': { ours: ['src/lib'], theirs: [] },
  'src/remux': { ours: ['src/lib'], theirs: ['lru-cache'] },
  'src/provider': { ours: ['src/lib'], theirs: ['undici'] },
  'src/plex': { ours: ['src/lib'], theirs: ['undici'] },
  'src/jellyfin': { ours: ['src/lib'], theirs: ['@jellyfin/sdk', 'axios'] },
  'src/webhooks': { ours: ['src/lib'], theirs: [] },
  'src/media': { ours: ['src/lib'], theirs: ['fluent-ffmpeg'] },
  'src/making': { ours: ['src/lib'], theirs: [] },
  'src/lineup': { ours: ['src/lib'], theirs: [] },
  'src/guide': { ours: ['src/lib'], theirs: ['saxes', 'xmlbuilder2', 'xz-decompress'] },
  'src/live': { ours: ['src/lib'], theirs: ['lru-cache'] },
  'src/tuner': { ours: ['src/lib'], theirs: ['fastify', 'xmlbuilder2'] },
  'src/demo': { ours: ['src/lib', 'src/media'], theirs: ['fastify'] },
  'src/http': { ours: ['src/lib'], theirs: ['fastify', '@fastify/swagger', 'swagger-ui-dist'] },
  'src/dashboard': { ours: ['src/lib'], theirs: ['fastify', 'esbuild', 'preact', '@preact/signals', 'uplot'] },
  'src/cli': { ours: ['src/lib', 'src/app', 'src/config'], theirs: ['@nfs/protocol-rpc'] },
  'src/app': { ours: Object.keys({}), theirs: ['@nfs/protocol-rpc', 'better-sqlite3', 'croner'] },
}

const folderOf = (file: string) =>
  file
    .split('/')
    .slice(0, file.startsWith('packages/') ? 3 : 2)
    .join('/')

/** Every import of every source file, type-only ones too: [importing file, imported file or package]. */
function* imports(folder: string): Generator<[string, string]> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true, recursive: true })) {
    const file = relative(root, join(entry.parentPath, entry.name))
    if (!entry.isFile() || !/\.tsx?$/.test(file) || file.includes('node_modules') || file.includes('/dist/')) continue
    const text = readFileSync(join(root, file), 'utf8')
    for (const [, from] of text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"`;]*?from\s+'([^']+)'/g))
      yield [file, from!]
    for (const [, from] of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) yield [file, from!]
    for (const [, from] of text.matchAll(/(?:^|\n)import\s+'([^']+)'/g)) yield [file, from!]
  }
}

t.test('a folder imports lib, itself, and what the table gives it', async t => {
  let seen = 0
  for (const [folder, { ours, theirs }] of Object.entries(allowed)) {
    for (const [file, from] of imports(folder)) {
      seen++
      if (from.startsWith('node:')) continue
      if (from.startsWith('.')) {
        const target = folderOf(relative(root, join(root, dirname(file), from)))
        const fine = target === folder || ours.includes(target) || (folder === 'src/app' && target.startsWith('src/'))
        if (!fine) t.fail(`${file} imports ${target}`)
      } else {
        const name = from
          .split('/')
          .slice(0, from.startsWith('@') ? 2 : 1)
          .join('/')
        if (!theirs.includes(name)) t.fail(`${file} imports ${name}`)
      }
    }
  }
  t.ok(seen > 100, `${seen} imports were looked at`)
})

t.test('every folder under src has its row in the table', async t => {
  for (const entry of readdirSync(join(root, 'src'), { withFileTypes: true })) {
    if (entry.isDirectory()) t.ok(`src/${entry.name}` in allowed, entry.name)
  }
})

t.test('processes start in media, HTTP requests leave from provider and plex, SQLite opens in lib', async t => {
  const only = (pattern: RegExp, places: readonly string[]) => {
    for (const folder of Object.keys(allowed)) {
      for (const [file, from] of imports(folder)) {
        if (pattern.test(from) && !places.some(place => file.startsWith(place))) t.fail(`${file} imports ${from}`)
      }
    }
  }
  only(/^node:child_process$/, ['src/media/process.ts'])
  only(/^fluent-ffmpeg$/, ['src/media/ffmpeg.ts'])
  only(/^(undici|node:https?)$/, ['src/provider/', 'src/plex/', 'src/cli/', 'src/lib/', 'src/http/tls.ts'])
  t.pass('looked')
})
