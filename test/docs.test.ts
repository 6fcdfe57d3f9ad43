import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig, referenceMarkdown } from '../src/config/index.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test('docs/configuration.md is what "reelport config reference" prints', async t => {
  t.equal(read('docs/configuration.md'), referenceMarkdown())
})

t.test('the configuration in the README loads', async t => {
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(read('README.md')) ?? []
  const dir = t.testdir({ 'reelport.yaml': yaml!.replace(/passwordFile: \S+/, 'passwordFile: pw'), pw: 'something' })
  const { accounts } = loadConfig({ cwd: dir, env: {} })
  t.match(accounts, [{ id: 'main', type: 'xtream', hosts: [/^http/] }])
})

t.test('every file that the documentation links to is there', async t => {
  for (const page of [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'docs/troubleshooting.md',
    'docs/demo.md',
    'docs/guides/api.md',
  ]) {
    const folder = join(page, '..')
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(root, folder, target!)), `${page} links to ${target}`)
    }
  }
})
