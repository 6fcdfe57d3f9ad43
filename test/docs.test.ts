import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { commands } from '../src/cli/commands.ts'
import { commandReference } from '../src/cli/reference.ts'
import { referenceMarkdown } from '../src/config/index.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test('docs/configuration.md is what "reelport config reference" prints', async t => {
  t.equal(read('docs/configuration.md'), referenceMarkdown())
})

t.test('docs/cli.md is what "reelport reference" prints', async t => {
  t.equal(read('docs/cli.md'), commandReference(commands))
})

t.test('every file that the documentation links to is there', async t => {
  const guides = readdirSync(join(root, 'docs/guides')).map(name => `docs/guides/${name}`)
  const others = ['docs/troubleshooting.md', 'docs/demo.md', 'docs/cli.md', 'docs/benchmarks.md']
  for (const page of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...others, ...guides]) {
    const folder = join(page, '..')
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(root, folder, target!)), `${page} links to ${target}`)
    }
  }
})

/** What other programs say. */
const ofClients = [
  'mount.nfs: Connection refused',
  'requested NFS version or transport protocol is not supported',
  'rpc.statd is not running but is required for remote locking',
  'access denied by server',
  'showmount -e',
  'Stale file handle',
  'Input/output error',
  'server not responding, still trying',
  'database disk image is malformed',
]

t.test('messages that troubleshooting quotes are those of the program', async t => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter(file =>
    /\.ts$/.test(file),
  )
  const source = sources.map(file => read(`src/${file}`)).join('\n')
  const symptoms = [...read('docs/troubleshooting.md').matchAll(/^\*\*(.+?)\*\*/gm)].map(([, symptom]) => symptom!)
  const quoted = symptoms.flatMap(symptom => [...symptom.matchAll(/`([^`]+)`/g)].map(([, text]) => text!))
  const ours = quoted.filter(text => !ofClients.includes(text) && !text.startsWith('reelport '))
  t.ok(ours.length > 10)
  for (const text of ours) {
    for (const part of text.split(/…[ :]*|\d{4}$/).map(part => part.trim()))
      t.ok(ofClients.includes(part) || source.includes(part), `${text}: ${part}`)
  }
})
