import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { findProgram, type Outcome, run, without } from './programs.ts'

/**
 * The image of deploy/Dockerfile, built and run by buildah, podman and crun: no Docker engine, and no registry of images. Its two
 * base images are made here, of Debian's packages, and of this Node and the npm on PATH.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What tap takes as `skip`. */
export const withoutContainers: string | false =
  process.getuid?.() === 0
    ? without('buildah', 'podman', 'crun', 'newuidmap', 'mmdebstrap', 'unshare', 'ip')
    : 'needs to be root, to make mount namespaces and network namespaces'

/** A Debian as small as its image of the name bookworm-slim: nothing that only people read; and with its sources as it has them. */
const debian = ['doc', 'man', 'locale', 'info'].map(name => `--dpkgopt=path-exclude=/usr/share/${name}/*`)
const sources = ['debian bookworm bookworm-updates', 'debian-security bookworm-security'].map(source => {
  const [archive, ...suites] = source.split(' ')
  return `Types: deb
URIs: http://deb.debian.org/${archive}
Suites: ${suites.join(' ')}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`
})

export interface Image {
  /** All of it, unpacked. */
  readonly bytes: number
  /**
   * Runs a script of bash where `podman` knows the image as `reelport`, on a machine of its own: network, processes and mounts.
   * `$run` is `podman run` as strictly as it can be: no file system to write to, no capabilities, no new privileges. With
   * `isRootless` it is run by an ordinary user, who has no rights on the machine, and whose root in containers is nobody outside.
   */
  script(text: string, options?: { timeoutMs?: number; isRootless?: boolean }): Promise<Outcome>
}

/** Builds the image as an ordinary user, which takes minutes; it goes with the test. @throws Error with what the builder said. */
export async function buildImage(t: Test): Promise<Image> {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-image-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const files = join(directory, 'node')
  layOutNode(files)
  layOutUser(directory)
  writeFileSync(join(directory, 'debian.sources'), sources.join('\n'))
  const scripts = [
    { script: `mmdebstrap --quiet --variant=apt ${debian.join(' ')} bookworm debian.tar debian.sources` },
    {
      isRootless: true,
      script: `
        podman import --quiet ${directory}/debian.tar localhost/debian
        printf 'FROM localhost/debian\nCOPY . /\n' >Dockerfile
        buildah build --quiet --isolation chroot --file Dockerfile --tag localhost/node ${files}
        (cd '${root}' && buildah build --isolation chroot --format docker --build-arg NODE=localhost/node \
          --build-arg BASE=localhost/debian --file deploy/Dockerfile --tag localhost/reelport . 2>&1)
        podman save --quiet --output reelport.tar localhost/reelport`,
    },
    {
      script: `
        podman load --quiet --input user/reelport.tar
        podman image inspect --format '{{.Size}}' localhost/reelport`,
    },
  ]
  let built: Outcome | undefined
  for (const { script, ...options } of scripts) {
    built = await onItsOwn(directory, script, { ...options, timeoutMs: 900_000 })
    if (built.status !== 0) throw new Error(`The image cannot be built: ${built.stdout.slice(-4_000)}${built.stderr}`)
  }
  return {
    bytes: Number(built!.stdout.trim().split('\n').at(-1)),
    script: (text, options) => onItsOwn(directory, text, { ...options, hasNetwork: false }),
  }
}

/** What the official image of Node has and a Debian has not: Node and npm; and npm trusts whom this machine trusts. */
function layOutNode(directory: string): void {
  const npm = dirname(dirname(realpathSync(findProgram('npm')!)))
  const local = join(directory, 'usr/local')
  for (const path of ['bin', 'etc', 'lib/node_modules']) mkdirSync(join(local, path), { recursive: true })
  cpSync(process.execPath, join(local, 'bin/node'))
  cpSync(npm, join(local, 'lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(local, 'bin', name))
  cpSync('/etc/ssl/certs/ca-certificates.crt', join(local, 'etc/trusted.crt'))
  writeFileSync(join(local, 'etc/npmrc'), 'cafile=/usr/local/etc/trusted.crt\n')
}

/** The ordinary user: no user of this machine, but one of the namespaces that scripts are run in. */
const user = { name: 'someone', id: 30_001, firstOfOthers: 200_000 }

/** A home, and what says who the user is, and that 65,536 further numbers are the user's own. */
function layOutUser(directory: string): void {
  const { name, id, firstOfOthers } = user
  chmodSync(directory, 0o755)
  const home = join(directory, 'user')
  mkdirSync(home)
  chownSync(home, id, id)
  const etc = join(directory, 'etc')
  mkdirSync(etc)
  writeFileSync(join(etc, 'passwd'), `${readFileSync('/etc/passwd')}${name}:x:${id}:${id}::${home}:/bin/sh\n`)
  writeFileSync(join(etc, 'group'), `${readFileSync('/etc/group')}${name}:x:${id}:\n`)
  for (const file of ['subuid', 'subgid']) writeFileSync(join(etc, file), `${name}:${firstOfOthers}:65536\n`)
}

interface ScriptOptions {
  readonly timeoutMs?: number
  readonly isRootless?: boolean
  /** That of this machine; else nothing but a loopback of its own. */
  readonly hasNetwork?: boolean
}

/**
 * Runs a script with programs that make containers, without systemd and with their images in `directory`, and in namespaces that end
 * with it: an ordinary user's podman leaves a process behind, which holds the user's namespace. crun wants the second version of cgroups
 * alone, which a machine may have only beside the first; limits of resources that only more rights could raise stay as they are.
 */
function onItsOwn(
  directory: string,
  script: string,
  { timeoutMs = 120_000, isRootless = false, hasNetwork = true }: ScriptOptions,
): Promise<Outcome> {
  const { name, id } = user
  const home = isRootless ? join(directory, 'user') : directory
  const storage = `--root ${home}/images --runroot ${home}/run --storage-driver overlay`
  const limits = '--ulimit nofile=$(ulimit -Hn):$(ulimit -Hn) --ulimit nproc=1024:1024'
  const namespace = `
    set -e -o pipefail
    umount --lazy --recursive /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    ${hasNetwork ? '' : 'ip link set lo up'}
  `
  const become = `
    for file in passwd group subuid subgid; do
      [[ -e /etc/$file ]] || touch /etc/$file
      mount --bind ${directory}/etc/$file /etc/$file
    done
    rm -rf ${home}/runtime # of processes that were here before
    install --directory --owner=${id} --group=${id} --mode=0700 ${home}/runtime
    exec setpriv --reuid ${id} --regid ${id} --init-groups \
      env --ignore-environment PATH="$PATH" HOME=${home} USER=${name} XDG_RUNTIME_DIR=${home}/runtime bash -c "$1"
  `
  const programs = `
    set -e -o pipefail
    buildah() { command buildah ${storage} "$@"; }
    podman() { command podman ${storage} --cgroup-manager cgroupfs --runtime crun "$@"; }
    run="podman run --network=host ${isRootless ? '' : limits} --cgroups=disabled"
    run="$run --read-only --read-only-tmpfs=false --cap-drop=all --security-opt=no-new-privileges"
    cd ${home}
  `
  const args = isRootless ? [namespace + become, 'bash', programs + script] : [namespace + programs + script]
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...(hasNetwork ? [] : ['--net'])]
  return run('unshare', [...namespaces, 'bash', '-c', ...args], { timeoutMs })
}
