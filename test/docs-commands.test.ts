import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ftype3 } from '@nfs/protocol-rpc'
import t from 'tap'
import { loadConfig } from '../src/config/index.ts'
import { connectNfs } from './lib/nfs-client.ts'
import { PlexServer } from './lib/plex-server.ts'
import { run, without } from './lib/programs.ts'
import { serveDemo } from './lib/served-demo.ts'
import { until } from './lib/until.ts'

/**
 * The commands of README and guides are run as they are written, `reelport` beside a server with the demo provider and a simulated
 * Plex. Those that cannot run here say why, in a comment before them: `<!-- not run: it needs a Mac -->`.
 */

t.setTimeout(600_000) // forty programs are started, one after the other

const root = join(import.meta.dirname, '..')
const guides = readdirSync(join(root, 'docs/guides')).map(name => `docs/guides/${name}`)
const pages = ['README.md', ...guides]

interface Block {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
  /** Why it is not run. */
  readonly excuse: string | undefined
}

const blocks: readonly Block[] = pages.flatMap(page => {
  const text = readFileSync(join(root, page), 'utf8')
  const fence = /(?:^<!-- not run: (.+) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm
  return [...text.matchAll(fence)].map(found => {
    const [, excuse, language = '', body = ''] = found
    return { page, line: text.slice(0, found.index).split('\n').length, language, text: body, excuse }
  })
})
const commands = blocks.filter(({ language }) => language === 'sh')

t.test(
  'every command is one that bash understands, and none hides behind another name',
  { skip: without('bash') },
  async t => {
    for (const { page, line, language, text } of blocks) {
      const isHidden = ['', 'bash', 'shell', 'console', 'zsh'].includes(language)
      t.notOk(isHidden, `${page}:${line}: "${language}"; commands are "sh", and what is no program is "text"`)
      if (language !== 'sh') continue
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' })
      t.equal(status, 0, `${page}:${line} ${stderr}`)
    }
  },
)

t.test('every reelport.yaml that is shown loads', async t => {
  const shown = blocks.filter(({ language, text }) => language === 'yaml' && text.startsWith('# reelport.yaml'))
  t.ok(shown.length > 5)
  for (const { page, line, text } of shown) {
    const dir = mkdtempSync(join(tmpdir(), 'reelport-docs-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    writeFileSync(join(dir, 'secret'), 'something', { mode: 0o600 })
    const local = text.replaceAll(/((?:password|token|apiKey)File: )[^\s,}]+/g, '$1secret')
    writeFileSync(join(dir, 'reelport.yaml'), local, { mode: 0o600 })
    t.doesNotThrow(() => loadConfig({ cwd: dir, env: {} }), `${page}:${line}`)
  }
})

const programs = without('bash', 'curl', 'nfs-ls', 'nfs-cat', 'tar', 'ffmpeg', 'ffprobe')
t.test('every command does what it says, or has an excuse', { skip: programs }, async t => {
  const plex = await PlexServer.start({ now: Date.now, loadLooks: 0 })
  t.teardown(() => plex[Symbol.asyncDispose]())
  plex.preferences.autoEmptyTrash = '0'
  const home = mkdtempSync(join(tmpdir(), 'reelport-docs-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const settings = {
    'plex-url': plex.url.href,
    'plex-mount': join(home, 'mount'),
    'plex-preferences': join(home, 'none'),
    'plex-sign-in': plex.url.href,
    'tuner-discovery': 'off',
  }
  const served = await serveDemo(t, { demo: { hls: true, maxConnections: 4 }, flags: settings })
  const { demo, app, config } = served
  const { url, port } = app.http
  // Plex looks for the folders where the export is mounted.
  for (const path of await foldersOf(app.nfs.port)) mkdirSync(join(home, 'mount', path), { recursive: true })
  await until('a lineup and its guide', async () => (await fetch(`${url}/guide.xml`)).ok)

  mkdirSync(join(home, 'bin'))
  const main = join(root, 'src/cli/main.ts')
  const program = `#!/bin/sh\nexec '${process.execPath}' --conditions=@nfs/source '${main}' "$@"\n`
  writeFileSync(join(home, 'bin/reelport'), program)
  chmodSync(join(home, 'bin/reelport'), 0o755)
  const { username, password } = demo.credentials
  const variables = Object.fromEntries(
    Object.entries(settings).map(([flag, value]) => [`REELPORT_${flag.replaceAll('-', '_').toUpperCase()}`, value]),
  )
  const env = {
    ...{ PATH: `${join(home, 'bin')}:${process.env.PATH}`, HOME: home, NODE_OPTIONS: '', ...variables },
    NODE_COMPILE_CACHE: join(home, 'compiled'), // as `npm run reelport` has it
    ...{ REELPORT_DATA: config.data, REELPORT_HOSTS: demo.url },
    ...{ REELPORT_USERNAME: username.reveal(), REELPORT_PASSWORD: password.reveal() },
    ...{ REELPORT_NFS_HOST: '127.0.0.1', REELPORT_NFS_PORT: String(app.nfs.port), REELPORT_NFS_PORTMAP: 'off' },
    ...{ REELPORT_HTTP_HOST: '127.0.0.1', REELPORT_HTTP_PORT: String(port), REELPORT_CACHE_RESERVE: '0' },
  }
  let ran = 0
  for (const { page, line, text, excuse } of commands) {
    if (excuse !== undefined) continue
    const others = programsOf(text).filter(program => !harmless.includes(program))
    t.same(others, [], `${page}:${line} runs nothing that changes this machine; what does has an excuse`)
    if (others.length > 0) continue
    const cwd = join(home, page.replaceAll('/', '-'))
    mkdirSync(cwd, { recursive: true })
    // The ports that people have, and those of this server.
    const here = text.replaceAll('5004', String(port)).replaceAll('2049', String(app.nfs.port))
    const script = `set -euo pipefail\ncd '${cwd}'\n${here}`
    const { status, stdout, stderr } = await run('bash', ['-c', script], { env })
    t.equal(status, 0, `${page}:${line}`, { commands: here, output: `${stdout}${stderr}` })
    ran++
  }
  t.ok(ran > 20, `${ran} of ${commands.length} blocks were run`)
  t.same(plex.wrong, [], 'and asked Plex as documented')
})

/** What a page may have run: nothing else is started on the machine that the tests run on. */
const harmless = ['reelport', 'nfs-ls', 'nfs-cat', 'curl', 'tar', 'mkdir', 'ls', 'cat', 'grep', 'sed', 'head']

/** The programs that a script starts, by the first words of its commands. */
const programsOf = (script: string): readonly string[] =>
  script
    .replaceAll(/\\\n/g, ' ')
    .replaceAll(/'[^']*'|"[^"$]*"/g, '…')
    .split(/\n|[|;&]+|\$\(/)
    .map(command => command.trim().split(/\s+/)[0]!)
    .filter(word => word !== '' && !word.startsWith('#'))

async function foldersOf(port: number): Promise<readonly string[]> {
  await using nfs = await connectNfs(port)
  return (await nfs.walk()).filter(({ attributes }) => attributes.type === Ftype3.DIR).map(({ path }) => path)
}
