/**
 * `npm run bench [-- NAME…]`: runs the benchmarks named, or all of them, one after another, each in a process of its own.
 * Every one prints one line for each figure; docs/benchmarks.md says what they measure and keeps the latest results.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describeMachine } from './lib/machine.ts'

const all = [
  'nfs',
  'scale',
  'play',
  'catalog-sync',
  'instant',
  'making',
  'remux',
  'live',
  'guide',
  'sidecars',
  'dashboard',
]
const names = process.argv.slice(2)
const unknown = names.filter(name => !all.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`bench: no benchmark called ${unknown.join(', ')}; known: ${all.join(', ')}\n`)
  process.exit(64)
}

process.stdout.write(`${describeMachine()}\n`)
for (const name of names.length > 0 ? names : all) {
  const script = join(import.meta.dirname, `${name}.ts`)
  const { status } = spawnSync(process.execPath, [...process.execArgv, script], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
