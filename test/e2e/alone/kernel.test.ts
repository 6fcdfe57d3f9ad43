import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { fstabLine, mountCommand } from '../../../src/app/index.ts'
import { inGuest, withoutKernelClient } from '../../lib/kernel-client.ts'
import { type PublishedFile, publishedFiles, serveDemo } from '../../lib/served-demo.ts'

/** Where the guest of the virtual machine sees the host's loopback. */
const host = '10.0.2.2'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

t.test(
  'the Linux kernel mounts the tree as a person, fstab and a kubelet do, and reads exact bytes',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveDemo(t)
    const { app, demo } = served
    const files = await publishedFiles(served)
    t.ok(files.length > 20, `${files.length} files are published`)
    const sums = files.map(({ path, bytes }) => `${sha256(bytes)}  .${path}`).join('\n')
    const pieces = randomPieces(files, 60)
    const target = { host, port: app.nfs.port, path: '/' }
    const kubelet = manifestOptions(app.nfs.port)
    let requestsBeforeFind = 0
    let requestsAfterFind = -1

    const script = `
set -e
mkdir -p /person /fstab /kubelet /docker /sub

# First of all: mounts of one server share its connections, as many as the first one asked for.
mount -t nfs -o ${kubelet} ${host}:/ /kubelet
find /kubelet -type f | xargs -P 8 -n 3 -d '\\n' sha256sum >/dev/null
[ "$(netstat -tn | grep ':${app.nfs.port} ' | grep -c ESTABLISHED)" = 4 ] && echo NCONNECT-OK
umount /kubelet

${mountCommand(target, '/person')}
grep ' /person nfs ' /proc/mounts
echo FIND-BEGIN
find /person -ls | wc -l
busybox find /person -type f -size +0 | wc -l
ls -laR /person >/dev/null
stat -f /person
echo FIND-END

cd /person && sha256sum -c --quiet /sums && echo SUMS-OK; cd /

while read -r sum offset length path; do
  got=$(tail -c +$((offset + 1)) "/person$path" | head -c "$length" | sha256sum | cut -d' ' -f1)
  [ "$got" = "$sum" ] || echo "WRONG $path $offset $length"
done </pieces
echo PIECES-OK

echo '${fstabLine(target, '/fstab')}' >>/etc/fstab
mount /fstab && [ "$(find /fstab | wc -l)" = "$(find /person | wc -l)" ] && echo FSTAB-OK

# Docker asks the kernel by itself, without mount.nfs, which is what -i does.
mount -i -t nfs -o '${composeOptions(app.nfs.port)}' :/ /docker
[ "$(find /docker | wc -l)" = "$(find /person | wc -l)" ] && echo DOCKER-OK

mount -t nfs -o nfsvers=3,proto=tcp,port=${app.nfs.port},mountport=${app.nfs.port},nolock,ro ${host}:/Movies/ /sub
[ "$(ls /sub)" = "$(ls /person/Movies)" ] && echo SUBDIRECTORY-OK

for attempt in 'touch /person/new' 'rm -f "/person/Movies"/*/*' 'mkdir /person/dir'; do
  sh -c "$attempt" 2>/dev/null && echo "WROTE: $attempt"
done
echo READ-ONLY-OK
mount -t nfs -o nfsvers=3,proto=tcp,port=${app.nfs.port},mountport=${app.nfs.port},nolock,rw ${host}:/ /kubelet
mkdir /kubelet/dir 2>&1 | grep -q 'Read-only' && echo ROFS-OK

# A container: its own namespaces, no capabilities, nothing but a bind mount of one library.
mkdir -p /container/media
mount --bind /person/Movies /container/media
setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \\
  unshare --user --mount --pid --fork sh -c 'cd /container/media && find . -type f -exec sha256sum {} +' | sort >/tmp/unprivileged
(cd /person/Movies && find . -type f -exec sha256sum {} +) | sort >/tmp/privileged
[ -s /tmp/privileged ] && cmp /tmp/unprivileged /tmp/privileged && echo UNPRIVILEGED-OK
`
    const guest = await runGuest(script, { '/sums': sums, '/pieces': pieces }, line => {
      if (line === 'FIND-BEGIN') requestsBeforeFind = demo.log.length
      if (line === 'FIND-END') requestsAfterFind = demo.log.length
    })
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.equal(requestsAfterFind, requestsBeforeFind, 'looking at the whole tree asks the provider nothing')
    for (const mark of [
      'SUMS',
      'PIECES',
      'FSTAB',
      'DOCKER',
      'NCONNECT',
      'SUBDIRECTORY',
      'READ-ONLY',
      'ROFS',
      'UNPRIVILEGED',
    ]) {
      t.ok(guest.lines.includes(`${mark}-OK`), mark, { guest })
    }
    t.notOk(
      guest.lines.find(line => /^(WRONG|WROTE)/.test(line)),
      'nothing was wrong, nothing was written',
    )
  },
)

t.test(
  'a reader goes on across a restart of the server, with the same handles',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveDemo(t)
    const files = await publishedFiles(served)
    const [largest] = [...files].sort((a, b) => b.bytes.length - a.bytes.length)
    const { port } = served.app.nfs
    const script = `
set -e
${mountCommand({ host, port, path: '/' }, '/mnt')}
before=$(stat -c '%i %s %Y' "/mnt$FILE")
exec 3<"/mnt$FILE"
head -c 1000000 <&3 >/tmp/copy
echo STOP
while nc -w 1 ${host} ${port} </dev/null; do :; done
echo 3 >/proc/sys/vm/drop_caches
echo START
cat <&3 >>/tmp/copy
exec 3<&-
sha256sum </tmp/copy
[ "$(stat -c '%i %s %Y' "/mnt$FILE")" = "$before" ] && echo SAME-FILE
umount /mnt
${mountCommand({ host, port, path: '/' }, '/mnt')}
[ "$(stat -c '%i %s %Y' "/mnt$FILE")" = "$before" ] && echo SAME-AFTER-REMOUNT
sha256sum <"/mnt$FILE"
`
    const steps: Promise<void>[] = []
    const guest = await runGuest(
      script,
      {},
      line => {
        if (line === 'STOP') steps.push(served.stop())
        if (line === 'START') steps.push(served.start())
      },
      { FILE: largest!.path },
    )
    await Promise.all(steps)
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    const sum = sha256(largest!.bytes)
    t.equal(
      guest.lines.filter(line => line.startsWith(sum)).length,
      2,
      'every byte is right, before and after a remount',
    )
    t.ok(
      guest.lines.includes('SAME-FILE') && guest.lines.includes('SAME-AFTER-REMOUNT'),
      'inode, size and time are the same',
    )
  },
)

t.test(
  'a reader waits for slow data, through JUKEBOX, and a dead file is an error and not an end',
  { skip: withoutKernelClient },
  async t => {
    const served = await serveDemo(t, { flags: { 'nfs-hold': '1s' } })
    const { app, demo } = served
    const files = (await publishedFiles(served)).filter(({ kind }) => kind === 'movie')
    const [slow, dead] = files
    demo.faults.answers[`movie/${slow!.id}`] = { stallAfter: 1000, stallMs: 3_000 }
    demo.faults.answers[`movie/${dead!.id}`] = { status: 404 }
    const { port } = app.nfs
    const script = `
${mountCommand({ host, port, path: '/' }, '/mnt')} || exit 1
cat "/mnt$DEAD" >/tmp/dead 2>/tmp/why && echo READ-A-DEAD-FILE
grep -q 'Input/output error' /tmp/why && echo DEAD-IS-AN-ERROR
[ -s /tmp/dead ] && echo DEAD-HAD-BYTES
echo SLOW
sha256sum <"/mnt$SLOW"
`
    const guest = await runGuest(script, {}, undefined, { SLOW: slow!.path, DEAD: dead!.path })
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.ok(guest.lines.includes('DEAD-IS-AN-ERROR'), 'a dead file is an error', { guest })
    t.notOk(guest.lines.includes('READ-A-DEAD-FILE') || guest.lines.includes('DEAD-HAD-BYTES'))
    t.ok(
      guest.lines.some(line => line.startsWith(sha256(slow!.bytes))),
      'the slow file is whole',
    )
    t.ok(app.status().nfs.jukeboxAnswers > 0, 'the client was told to ask again')
  },
)

t.test(
  'plain "mount -t nfs": version 4 is tried first, then 3, by the port mapper',
  { skip: withoutKernelClient || withoutPort111() },
  async t => {
    const served = await serveDemo(t, { flags: { 'nfs-portmap': 'serve', 'nfs-port': '2049' } })
    const script = `
set -e
mount -v -t nfs -o ro,nolock,retry=0 ${host}:/ /mnt
grep ' /mnt nfs ' /proc/mounts
ls /mnt
umount /mnt
showmount -e ${host}
mount -t nfs -o ro,nolock,retry=0,port=2049 ${host}:/TV /mnt && ls /mnt
`
    const guest = await runGuest(script)
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    t.match(guest.lines.join('\n'), /vers=3/, 'it is version 3')
    t.ok(guest.lines.includes('Movies') && guest.lines.includes('TV'))
    t.match(guest.lines.join('\n'), /^\/Movies/m, 'showmount lists the exports')
    t.ok(served.app.status().nfs.clients.length >= 0)
  },
)

/** The options of the volume in deploy/kubernetes, as a kubelet passes them on, for a server on another port than the one there. */
function manifestOptions(port: number): string {
  const { spec } = deployed('kubernetes/base/volume.yaml') as { spec: { mountOptions: readonly string[] } }
  return spec.mountOptions.join(',').replaceAll('=2049', `=${port}`)
}

/** The options of the volume in deploy/compose, for a server at this address and port. */
function composeOptions(port: number): string {
  const { volumes } = deployed('compose/plex.yaml') as { volumes: { media: { driver_opts: { o: string } } } }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own placeholder
  return volumes.media.driver_opts.o.replaceAll('${NFS_PORT:-2049}', String(port)).replace('127.0.0.1', host)
}

const deployed = (path: string): unknown =>
  parse(readFileSync(join(import.meta.dirname, '../../../deploy', path), 'utf8'))

/** Random pieces of random files, as lines of sum, offset, length, path; the sequence is the same at every run. */
function randomPieces(files: readonly PublishedFile[], count: number): string {
  let state = 12345
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const lines = Array.from({ length: count }, () => {
    const { path, bytes } = files[random(files.length)]!
    const offset = random(bytes.length)
    const length = Math.min(1 + random(300_000), bytes.length - offset)
    return `${sha256(bytes.subarray(offset, offset + length))} ${offset} ${length} ${path}`
  })
  return `${lines.join('\n')}\n`
}

async function runGuest(
  script: string,
  files: Readonly<Record<string, string>> = {},
  onLine?: (line: string) => void,
  env: Readonly<Record<string, string>> = {},
) {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-guest-'))
  try {
    const brought = Object.entries(files).map(([guestPath, text], index) => {
      const path = join(directory, String(index))
      writeFileSync(path, text)
      return [path, guestPath] as const
    })
    return await inGuest(script, { files: Object.fromEntries(brought), env, ...(onLine && { onLine }) })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A port mapper needs its port, and the right to have it. */
function withoutPort111(): string | false {
  if (process.getuid?.() !== 0) return 'needs the right to listen on port 111'
  return false
}
