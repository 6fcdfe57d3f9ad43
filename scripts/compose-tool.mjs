// Fetches Docker's Compose for the tests of deploy/ into tools/compose/bin; does nothing when it is there. Debian 12 has the first
// version only, which was given up in 2023. The second is in Debian 13, and its package runs on any Debian since the 12th. Needs apt.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const directory = fileURLToPath(new URL('../tools/compose', import.meta.url))
const bin = join(directory, 'bin')
if (existsSync(bin)) process.exit(0)

mkdirSync(directory, { recursive: true })
const work = mkdtempSync(join(directory, '.fetched-'))
try {
  // A source of packages for this one alone: the machine's own stay as they are.
  const sources = join(work, 'debian.sources')
  writeFileSync(
    sources,
    `Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`,
  )
  for (const path of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(work, path), { recursive: true })
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${work}/lists`,
    `Dir::Cache=${work}/cache`,
    'APT::Sandbox::User=root', // the directory is for no other user
  ].flatMap(option => ['-o', option])
  run('apt-get', [...options, '-qq', 'update'])
  run('apt-get', [...options, '-qq', 'download', 'docker-compose'])
  run('sh', ['-c', 'dpkg-deb --extract docker-compose_*.deb unpacked'])
  renameSync(join(work, 'unpacked/usr/libexec/docker/cli-plugins'), bin)
} finally {
  rmSync(work, { recursive: true, force: true })
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: work, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`"${program} ${args.join(' ')}" failed`, { cause: error })
}
