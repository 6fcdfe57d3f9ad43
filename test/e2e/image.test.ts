import t, { type Test } from 'tap'
import { buildImage, type Image, withoutContainers } from '../lib/image.ts'
import { withoutKernelClient } from '../lib/kernel-client.ts'
import { type Outcome, without } from '../lib/programs.ts'

t.setTimeout(1_200_000)

/** Most of it is Node, with 109 MB. */
const maxBytes = 190_000_000

/** Prints the path of every file of machine code. */
const machineCode = `
  const { openSync, readSync, closeSync, readdirSync } = require('node:fs')
  const head = Buffer.alloc(4)
  for (const top of ['app', 'etc', 'usr', 'var']) {
    for (const entry of readdirSync('/' + top, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = entry.parentPath + '/' + entry.name
      const file = openSync(path)
      if (readSync(file, head) === 4 && head.toString('latin1') === '\\x7fELF') console.log(path)
      closeSync(file)
    }
  }`

/** Starts the demo provider in a container called `demo`, all as it is shipped, and waits until its films are made and listed. */
const serveDemo = `
  $run --detach --name demo localhost/reelport demo >/dev/null
  for _ in {1..200}; do
    podman exec demo reelport status 2>&1 | tr '\\n' ' ' | grep -q '16 films.* 0 to be learnt' && break
    sleep 0.2
  done
  pid=$(podman inspect --format '{{.State.Pid}}' demo)
`

interface Component {
  readonly name: string
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] }
}

const film = 'Movies/A Quiet Orbit (2023)/A Quiet Orbit (2023).mkv'

/** Reads a film in the virtual machine, which reaches the loopback of where it is started. */
const readByKernel = `
  '${process.env.KERNEL_CLIENT ?? 'kernel-client'}' --timeout 240 - <<'guest'
    mount -t nfs -o nfsvers=3,proto=tcp,port=2049,mountport=2049,nolock,ro 10.0.2.2:/ /mnt
    sha256sum <'/mnt/${film}' | sed 's/ .*/ READ BY KERNEL/'
guest
`

t.test('the image', { skip: withoutContainers || without('nfs-ls', 'nfs-cat') }, async t => {
  const image = await buildImage(t)
  t.comment(`${Math.round(image.bytes / 1e6)} MB`)

  await t.test('is small, and says what is in it', async t => {
    t.ok(image.bytes < maxBytes, `${image.bytes} bytes`)
    const sbom = await script(t, image, '$run --rm --entrypoint cat localhost/reelport /app/sbom.cdx.json')
    const { bomFormat, components } = JSON.parse(sbom.stdout) as { bomFormat: string; components: Component[] }
    const names = components.map(({ name }) => name)
    t.equal(bomFormat, 'CycloneDX')
    t.ok(names.includes('better-sqlite3') && names.includes('undici'), 'what runs is listed')
    t.notOk(names.includes('tap') || names.includes('typescript'), 'what only develops is not')
    const found = await script(t, image, `$run --rm --entrypoint node localhost/reelport -e "${machineCode}"`)
    const files = found.stdout.trim().split('\n')
    for (const path of ['/usr/bin/ffmpeg', '/usr/local/bin/node', '/usr/bin/busybox']) t.ok(files.includes(path), path)
    const claimed = components.flatMap(({ evidence }) => evidence?.occurrences.map(({ location }) => location) ?? [])
    t.same(
      files.filter(file => !claimed.includes(file) && !names.includes(npmPackageOf(file) ?? '')),
      [],
      'every file of machine code is of something that is listed',
    )
  })

  await t.test('serves, with no rights and nothing to write to but its volumes', async t => {
    const { stdout } = await script(
      t,
      image,
      `${serveDemo}
      grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/$pid/status
      podman healthcheck run demo && echo HEALTHY
      podman exec demo touch /tmp/new 2>&1 | sed 's/^/TOUCH /' || true
      nfs-ls 'nfs://127.0.0.1/Movies?version=3&nfsport=2049&mountport=2049'
      nfs-cat 'nfs://127.0.0.1/${film}?version=3&nfsport=2049&mountport=2049' | sha256sum | sed 's/ .*/ READ/'
      ${withoutKernelClient ? '' : readByKernel}
      podman exec demo sh -c 'find /data/demo/media -type f -exec sha256sum {} +' | sed 's/ .*/ MADE/'
      podman stop --time 60 demo >/dev/null 2>&1
      echo "EXIT $(podman inspect --format '{{.State.ExitCode}}' demo)"
      podman logs demo 2>&1 | grep '"stopping"'
      podman rm demo >/dev/null`,
    )
    t.match(stdout, /^Uid:\t10001\t10001\t10001\t10001$/m)
    t.match(stdout, /^Gid:\t10001\t10001\t10001\t10001$/m)
    for (const name of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) t.match(stdout, new RegExp(`^Cap${name}:\t0{16}$`, 'm'))
    t.match(stdout, /^NoNewPrivs:\t1$/m)
    t.match(stdout, /^Seccomp:\t2$/m, 'calls are filtered')
    t.match(stdout, /^HEALTHY$/m)
    t.match(stdout, /^TOUCH .*Read-only file system/m, 'where everybody else may write')
    t.match(stdout, /A Quiet Orbit \(2023\)$/m, 'libnfs lists it')
    const [, read] = /^(\w+) READ$/m.exec(stdout) ?? []
    t.ok(stdout.includes(`${read} MADE`), 'and reads what its ffmpeg made')
    t.ok(stdout.includes(`${read} READ BY KERNEL`), 'as Linux does', { skip: withoutKernelClient })
    t.match(stdout, /^EXIT 0$/m, 'SIGTERM ends it in order')
    t.match(stdout, /"stopping"/)
  })

  await t.test('serves where nobody has any rights, as it was built', async t => {
    const { stdout } = await script(
      t,
      image,
      `${serveDemo}
      sed 's/^/OUTSIDE /' /proc/self/status | grep Uid
      grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp:)' /proc/$pid/status
      podman healthcheck run demo && echo HEALTHY
      nfs-cat 'nfs://127.0.0.1/${film}?version=3&nfsport=2049&mountport=2049' | sha256sum | sed 's/ .*/ READ/'
      podman exec demo sh -c 'find /data/demo/media -type f -exec sha256sum {} +' | sed 's/ .*/ MADE/'
      podman stop --time 60 demo >/dev/null 2>&1
      echo "EXIT $(podman inspect --format '{{.State.ExitCode}}' demo)"`,
      { isRootless: true },
    )
    t.match(stdout, /^OUTSIDE Uid:\t30001\t30001\t30001\t30001$/m, 'an ordinary user starts it')
    t.match(stdout, /^Uid:\t210000\t210000\t210000\t210000$/m, 'and it is somebody who is nobody else')
    t.match(stdout, /^CapEff:\t0{16}\nCapBnd:\t0{16}$/m)
    t.match(stdout, /^NoNewPrivs:\t1$/m)
    t.match(stdout, /^Seccomp:\t2$/m)
    t.match(stdout, /^HEALTHY$/m)
    const [, read] = /^(\w+) READ$/m.exec(stdout) ?? []
    t.ok(stdout.includes(`${read} MADE`))
    t.match(stdout, /^EXIT 0$/m)
  })

  await t.test('has all that the program may ask for', async t => {
    const { stdout } = await script(
      t,
      image,
      `$run --rm --workdir /app --entrypoint node localhost/reelport --input-type=module -e "
        import { readFileSync } from 'node:fs'
        for (const name of Object.keys(JSON.parse(readFileSync('package.json')).dependencies)) await import(name)
        console.log('IMPORTED')"
      $run --rm --add-host provider.example:192.0.2.7 --entrypoint node localhost/reelport -e "
        require('node:dns').lookup('provider.example', (error, address) => console.log('RESOLVED', address))"
      $run --rm --env TZ=Asia/Tokyo --entrypoint sh localhost/reelport -c 'date -d @0 +CLOCK%H; node -p "\\"NODE\\" + new Date(0).getHours()"'
      $run --rm --entrypoint sh localhost/reelport -c 'id -un'`,
    )
    t.match(stdout, /^IMPORTED$/m, 'nothing that is imported was left out')
    t.match(stdout, /^RESOLVED 192\.0\.2\.7$/m, 'a name that the container engine adds')
    t.match(stdout, /^CLOCK09\nNODE9$/m, 'time zones')
    t.match(stdout, /^reelport$/m)
  })

  await t.test('is not healthy where no server runs, and says what it wants where nothing is configured', async t => {
    const { stdout } = await script(
      t,
      image,
      `$run --rm --entrypoint node localhost/reelport /app/healthcheck.mjs || echo "HEALTH $?"
      $run --rm localhost/reelport 2>&1 || echo "SERVE $?"`,
    )
    t.match(stdout, /^HEALTH 1$/m)
    t.match(stdout, /No account is configured[\s\S]*^SERVE 78$/m)
  })
})

/** What a script prints that runs to its end. */
async function script(t: Test, image: Image, text: string, options: { isRootless?: boolean } = {}): Promise<Outcome> {
  const outcome = await image.script(text, { timeoutMs: 300_000, ...options })
  t.equal(outcome.status, 0, `the script runs to its end: ${outcome.stderr.slice(-2_000)}`)
  return outcome
}

const npmPackageOf = (path: string) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(path)?.[1]
