import { createHash } from 'node:crypto'
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { mountCommand } from '../../../src/app/index.ts'
import { type Capture, startCapture, withoutCapture } from '../../lib/capture.ts'
import { inGuest, withoutKernelClient } from '../../lib/kernel-client.ts'
import { findProgram, run, without } from '../../lib/programs.ts'
import { reelport } from '../../lib/reelport.ts'
import { type PublishedFile, publishedFiles, type ServedDemo, serveDemo } from '../../lib/served-demo.ts'

/**
 * The whole served demo before every client there is, one after another, while Wireshark's dissectors read along: what one
 * client takes for granted, another one checks.
 */

const host = '127.0.0.1'
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const programToken = 'token-of-programs-elsewhere'

/** All clients of this file share one server, and one capture of what they and it say to each other. */
let served: ServedDemo
let published: readonly PublishedFile[]
let capture: Capture | undefined
const portmapper = await portmapIsFree()
const ffprobe = bundledFfprobe() ?? findProgram('ffprobe')

t.before(async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'reelport-token-')), 'token')
  writeFileSync(tokenFile, programToken, { mode: 0o600 })
  t.teardown(() => rmSync(dirname(tokenFile), { recursive: true }))
  const portmap = portmapper === false ? 'serve' : 'off'
  served = await serveDemo(t, { flags: { 'nfs-portmap': portmap, 'http-token-file': tokenFile } })
  published = await publishedFiles(served)
  if (withoutCapture === false) capture = await startCapture([served.app.nfs.port, 111])
})

t.test('libnfs lists the tree and reads exact bytes', { skip: without('nfs-ls', 'nfs-cat') }, async t => {
  const { status, stdout, stderr } = await run('nfs-ls', ['-R', url('/')])
  t.equal(status, 0, stderr)
  const listed = stdout.split('\n').flatMap(line => {
    const [, mode, size, path] = /^(.{10}) +\d+ +\d+ +\d+ +(\d+) (.*)$/.exec(line) ?? []
    return mode?.startsWith('-') ? [`${size} /${path}`] : []
  })
  t.same(listed.sort(), published.map(({ path, bytes }) => `${bytes.length} ${path}`).sort(), 'names and sizes')
  const wrong: string[] = []
  for (const { path, bytes } of published) {
    const { stdout } = await run('nfs-cat', [url(path)], { binary: true })
    if (sha256(Buffer.from(stdout, 'latin1')) !== sha256(bytes)) wrong.push(path)
  }
  t.same(wrong, [], 'every byte of every file')
})

t.test('showmount and rpcinfo find the server by the port mapper', { skip: portmapper }, async t => {
  const exports = await run('showmount', ['-e', '--no-headers', host])
  t.equal(exports.status, 0, exports.stderr)
  const paths = exports.stdout
    .trim()
    .split('\n')
    .map(line => line.split(/\s+/)[0])
  t.same(paths, ['/', '/Movies', '/TV'])
  const before = await run('showmount', ['-a', '--no-headers', host])
  t.equal(before.status, 0, before.stderr)
  const { status, stdout, stderr } = await run('rpcinfo', ['-p', host])
  t.equal(status, 0, stderr)
  const { port } = served.app.nfs
  for (const line of ['100003 3 tcp', '100005 3 tcp', '100005 3 udp', '100005 1 tcp']) {
    const [program, version, protocol] = line.split(' ')
    const pattern = new RegExp(`^\\s*${program}\\s+${version}\\s+${protocol}\\s+${port}\\b`, 'm')
    t.match(stdout, pattern, `${line} is on port ${port}`)
  }
  for (const args of [
    ['-T', 'tcp', host, '100003', '3'],
    ['-T', 'udp', host, '100005', '3'],
    ['-s', host],
  ]) {
    const { status, stdout, stderr } = await run('rpcinfo', args)
    t.equal(status, 0, `rpcinfo ${args.join(' ')}: ${stdout}${stderr}`)
  }
  const nfs4 = await run('rpcinfo', ['-T', 'tcp', host, '100003', '4'])
  t.match(
    nfs4.stdout + nfs4.stderr,
    /low version = 3, high version = 3/,
    'version 4 is refused, and the right one named',
  )
})

t.test('our own commands see the same tree, and say so in text and in JSON', async t => {
  await testCommands(t)
})

t.test(
  'ffprobe finds the same films on a kernel mount as in the source files',
  { skip: withoutKernelClient || (ffprobe === undefined && 'not installed: ffprobe') },
  async t => {
    const entries = 'format=duration:stream=index,codec_type,codec_name,width,height,channels,duration'
    const probe = ['-v', 'error', '-show_entries', entries, '-of', 'compact=nokey=0']
    const script = `
set -e
${mountCommand({ host: '10.0.2.2', port: served.app.nfs.port, path: '/' }, '/mnt')}
find /mnt -type f | sort | while read -r file; do
  echo "FILE $file"
  ${ffprobe} ${probe.join(' ')} "$file" </dev/null
done
`
    const guest = await inGuest(script, { with: [ffprobe!], memoryMiB: 1024 })
    t.equal(guest.status, 0, 'the script ran to its end', { guest })
    const found = new Map<string, string[]>()
    for (const line of guest.lines) {
      const [, path] = /^FILE \/mnt(.*)$/.exec(line) ?? []
      if (path !== undefined) found.set(path, [])
      else [...found.values()].at(-1)?.push(line)
    }
    t.equal(found.size, published.length, 'every file was looked at')
    for (const { path, kind, id } of published) {
      const { stdout } = await run(ffprobe!, [...probe, served.demo.file(kind, id)])
      t.same(found.get(path)?.join('\n'), stdout.trim(), path)
    }
  },
)

t.test(
  'the protocol was right to the last byte, and no call was left unanswered',
  { skip: withoutCapture },
  async t => {
    const { packets, dropped, complaints, calls, unanswered, unasked } = await capture!.finish()
    t.equal(dropped, 0, `all of ${packets} packets were captured`)
    t.ok(calls.get('100003 6')! > 100, 'READs were among them', { calls: [...calls] })
    t.ok(calls.get('100003 17')! > 0, 'and READDIRPLUS')
    t.same(complaints, [], 'nothing malformed, no expert error')
    t.same(unanswered, [], 'every call was answered')
    t.same(unasked, [], 'nothing else was')
  },
)

t.teardown(() => capture?.[Symbol.asyncDispose]())

async function testCommands(t: Test): Promise<void> {
  const { data } = served.config
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await reelport([...args, '--json', '--data', data])
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const text = async (...args: string[]) => {
    const { code, stdout, stderr } = await reelport([...args, '--data', data])
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const listing = (await json('ls', '--recursive'))
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const seen = listing.filter(({ kind }) => kind === 'file').map(({ path, size }) => `${size} ${path}`)
  t.same(seen.sort(), published.map(({ path, bytes }) => `${bytes.length} ${path}`).sort(), 'ls --recursive --json')
  t.match(await text('ls', '/Movies'), /Le Phare \(2019\)\//, 'ls')

  const [film] = published
  t.equal((await reelport(['cat', film!.path, '--data', data])).sha256, sha256(film!.bytes), 'cat')
  const rest = await reelport(['cat', film!.path, '--offset', '1000003', '--data', data])
  t.equal(rest.sha256, sha256(film!.bytes.subarray(1_000_003)), 'cat --offset')

  const status = JSON.parse(await json('status'))
  t.equal(status.nfs.port, served.app.nfs.port)
  t.equal(status.catalog.waiting, 0)
  t.match(await text('status'), /\/Movies +10 files/)
  t.match(await text('status', 'Phare'), /Le Phare \(2019\), film\n {4}\/Movies\/Le Phare/)
  t.match(JSON.parse(await json('status', 'Phare')), [
    { name: 'Le Phare', year: 2019, streams: [{ state: 'published' }] },
  ])
  const unknown = await reelport(['status', 'no such film', '--data', data])
  t.match(unknown, { code: 1, stderr: /No title has "no such film"/ })

  t.match(await text('sync'), /movies: 10 listed, 0 new, 0 changed, 0 gone/, 'a sync finds nothing new')
  t.match(JSON.parse(await json('sync', '--account', 'main')), [{ accountId: 'main' }])
  const stranger = await reelport(['sync', '--account', 'nobody', '--data', data])
  t.match(stranger, { code: 69, stderr: /No account "nobody" is configured; known: main/ })

  // From another container: its processes are not seen there, and its own address is not the server's.
  const shared = t.testdir({ 'admin.token': readFileSync(join(data, 'admin.token'), 'utf8') })
  t.match(await reelport(['sync', '--data', shared]), { code: 69, stderr: /No server runs on/ })
  const url = `http://${host}:${served.app.http.port}`
  t.match(await reelport(['sync', '--server', url, '--data', shared]), { code: 0, stdout: /movies: 10 listed/ })
  t.match(await reelport(['sync', '--server', 'reelport:5004', '--data', shared]), { code: 64, stderr: /write a URL/ })

  // From another machine: nothing is shared but a token for programs.
  const elsewhere = ['sync', '--server', url, '--data', t.testdir()]
  t.match(await reelport(elsewhere), { code: 69, stderr: /No token for .*set http\.token/ })
  t.match(await reelport(elsewhere, { env: { REELPORT_HTTP_TOKEN: programToken } }), { code: 0, stdout: /10 listed/ })
  t.match(await reelport(elsewhere, { env: { REELPORT_HTTP_TOKEN: 'another' } }), { code: 69, stderr: /refused/ })

  const { username, password } = served.demo.credentials
  const env = {
    REELPORT_HOSTS: served.demo.url,
    REELPORT_USERNAME: username.reveal(),
    REELPORT_PASSWORD: password.reveal(),
  }
  const flags = ['--data', data, '--nfs-host', host, '--http-host', host, '--cache-budget', '64MiB']
  const doctor = await reelport(['doctor', ...flags], { env })
  t.equal(doctor.code, 0, doctor.stdout + doctor.stderr)
  t.match(doctor.stdout, /ok {4}account main: .* of 3 connections in use/)
  t.match(doctor.stdout, /mount -t nfs -o nfsvers=3,.*\n(.*\n)*.* nfs nfsvers=3,.*\n(.*\n)*.*kind: PersistentVolume/)
  const checks = JSON.parse((await reelport(['doctor', '--json', ...flags], { env })).stdout)
  t.match(
    checks.checks.map(({ name }: { name: string }) => name),
    ['account main', 'ffmpeg and ffprobe'],
  )
  t.match(checks.mount.command, /^mount -t nfs/)

  const right = await reelport(['config', 'check', ...flags], { env })
  t.match(right, { code: 0, stdout: /The configuration is right .*: 1 account, 2 libraries\./ })
  const asJson = JSON.parse((await reelport(['config', 'check', '--json', ...flags], { env })).stdout)
  t.match(asJson, { ok: true, config: { accounts: [{ id: 'main', password: '[secret]' }], data } })
  t.notMatch(JSON.stringify(asJson) + doctor.stdout + doctor.stderr, env.REELPORT_PASSWORD, 'secrets are not shown')
}

const url = (path: string) => {
  const { port } = served.app.nfs
  return `nfs://${host}${path}?version=3&nfsport=${port}&mountport=${port}`
}

/** The one that comes with the set-up is one file, and starts twenty times as fast in an emulated machine. */
function bundledFfprobe(): string | undefined {
  try {
    const { path } = createRequire(import.meta.url)('@ffprobe-installer/ffprobe') as { path: string }
    accessSync(path, constants.X_OK)
    return path
  } catch {
    return undefined // not for this platform, or not brought along
  }
}

/** Why the port mapper cannot be ours, as tap takes it for `skip`. */
async function portmapIsFree(): Promise<string | false> {
  const missing = without('showmount', 'rpcinfo')
  if (missing !== false) return missing
  if (process.getuid?.() !== 0) return 'needs the right to listen on port 111'
  const taken = await new Promise<boolean>(resolve => {
    const socket = connect({ host, port: 111 })
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
  return taken && 'another port mapper has port 111'
}
