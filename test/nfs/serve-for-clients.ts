// Serves a small tree on the standard ports of the network namespace it runs in, until its input ends.

import { silentLog } from '../../src/lib/log.ts'
import { startNfs } from '../../src/nfs/index.ts'
import { MemoryTree } from '../../src/nfs/memory-tree.ts'

const film = Buffer.alloc(3_000_001, 'not quite a film ')
const names = Object.fromEntries([...Array(300).keys()].map(at => [`Title ${at} (2001)`, {}]))
const tree = new MemoryTree({ Movies: { 'Film (2001)': { 'Film (2001).mkv': film, 'ž.srt': 'text\n' } }, Many: names })
const server = await startNfs(
  {
    host: '127.0.0.1',
    port: 2049,
    exports: ['/', '/Movies'],
    allow: ['127.0.0.0/8'],
    portmap: process.argv[2] === 'register' ? 'register' : 'serve',
    uid: 0,
    gid: 0,
    holdMs: 20_000,
    maxConnections: 20,
    maxCallsPerConnection: 64,
    idleMs: 60_000,
    fsid: '0123456789abcdef',
    handleKey: Buffer.alloc(16, 3),
    cacheBytes: 1024 * 1024,
  },
  tree,
  { log: silentLog },
)
process.stdout.write(`${server.portmap.how}\n`)
process.stdin.resume().on('end', () => void server[Symbol.asyncDispose]())
