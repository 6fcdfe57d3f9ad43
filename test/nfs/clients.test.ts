import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'

const root = join(import.meta.dirname, '../..')

/** A network of its own, where the standard ports are free whatever runs on this machine. */
const asRoot = process.getuid?.() === 0
const ownNetwork = [
  ...(asRoot ? [] : ['--map-root-user']),
  ...['--net', '--mount', '--pid', '--fork', '--kill-child', 'bash', '-c'],
]
// unshare ignores SIGTERM; SIGKILL takes all that runs inside along.
const limits = { encoding: 'utf8', timeout: 30_000, killSignal: 'SIGKILL' } as const

const startRpcbind = `
  mount -t tmpfs none /run
  rpcbind -w -f & rpcbind=$!
  for _ in {1..100}; do rpcinfo -T tcp 127.0.0.1 100000 2 && break; sleep 0.05; done >/dev/null 2>&1`

/** What commands print that run beside a server. */
function besideServer(mode: 'serve' | 'register', commands: string): { readonly out: string; readonly err: string } {
  const serve = `'${process.execPath}' --conditions=@nfs/source '${root}/test/nfs/serve-for-clients.ts' ${mode}`
  const script = `
    ip link set lo up
    ${mode === 'register' ? startRpcbind : ''}
    coproc SERVER { ${serve}; }
    pid=$SERVER_PID
    read -t 20 -r how <&"\${SERVER[0]}"
    echo "portmap: $how"
    { ${commands}
    } 2>&1
    exec {SERVER[1]}>&-
    wait $pid
    ${mode === 'register' ? 'echo "after:"; rpcinfo -p 127.0.0.1; kill $rpcbind' : ''}`
  const { stdout, stderr } = spawnSync('unshare', [...ownNetwork, script], limits)
  return { out: stdout, err: stderr }
}

/** Why this machine cannot run the test; undefined when it can. */
function lacking(...programs: readonly string[]): string | undefined {
  const missing = programs.filter(name => spawnSync('bash', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length > 0) return `${missing.join(', ')} missing`
  const { status } = spawnSync('unshare', [...ownNetwork, 'ip link set lo up'], limits)
  return status === 0 ? undefined : 'no network namespace can be made'
}

const skip = (reason: string | undefined) => (reason === undefined ? {} : { skip: reason })

t.test('showmount and rpcinfo find the server', skip(lacking('ip', 'showmount', 'rpcinfo')), async t => {
  const { out, err } = besideServer(
    'serve',
    'showmount -e 127.0.0.1; rpcinfo -p 127.0.0.1; rpcinfo -T tcp 127.0.0.1 100003 3; rpcinfo 127.0.0.1',
  )
  t.match(out, /portmap: served/, err)
  t.match(out, /^\/ +127\.0\.0\.0\/8$/m)
  t.match(out, /^\/Movies +127\.0\.0\.0\/8$/m)
  t.match(out, /100003 +3 +tcp +2049 +nfs/)
  t.match(out, /100005 +3 +udp +2049 +mountd/)
  t.match(out, /program 100003 version 3 ready and waiting/)
  t.match(out, /100005 +1 +tcp +127\.0\.0\.1\.8\.1 +mountd +superuser/)
})

t.test('libnfs lists and reads, finding the ports by itself', skip(lacking('ip', 'nfs-ls', 'nfs-cat')), async t => {
  const { out, err } = besideServer(
    'serve',
    `nfs-ls nfs://127.0.0.1/Movies/?version=3; echo "names: $(nfs-ls nfs://127.0.0.1/Many?version=3 | wc -l)"
     cd /; nfs-cat 'nfs://127.0.0.1/Movies/Film (2001)/Film (2001).mkv?version=3' | sha256sum
     nfs-cat 'nfs://127.0.0.1/Movies/Film (2001)/ž.srt?version=3'`,
  )
  t.match(out, /dr-xr-xr-x .* Film \(2001\)/, err)
  t.match(out, /names: 300/)
  t.ok(out.includes(createHash('sha256').update(Buffer.alloc(3_000_001, 'not quite a film ')).digest('hex')))
  t.match(out, /^text$/m)
})

t.test(
  'a running rpcbind is told of the programs, and told when they go',
  skip(asRoot ? lacking('ip', 'rpcbind', 'rpcinfo') : 'rpcbind needs root'),
  async t => {
    const { out, err } = besideServer('register', 'rpcinfo -p 127.0.0.1; showmount -e 127.0.0.1')
    t.match(out, /portmap: registered/, err)
    const [during, after] = out.split('after:')
    t.match(during, /100003 +3 +tcp +2049 +nfs/)
    t.match(during, /^\/Movies/m)
    t.notMatch(after, /100003|100005/)
    t.match(after, /portmapper/)
  },
)
