import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  connectRpc,
  connectRpcUdp,
  type Entryplus3,
  encode,
  entry3,
  entryplus3,
  type FileHandle,
  list,
  mount1,
  mount3,
  Nfsstat3,
  nfs3,
  portmap2,
  RpcRefusal,
  rpcbind3,
  rpcbind4,
} from '@nfs/protocol-rpc'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { type FileId, type FileTree, TreeError } from '../../src/nfs/file-tree.ts'
import { type NfsOptions, startNfs } from '../../src/nfs/index.ts'
import { MemoryTree } from '../../src/nfs/memory-tree.ts'
import { TestClock } from '../lib/test-clock.ts'

const host = '127.0.0.1'
const options: NfsOptions = {
  host,
  port: 0,
  exports: ['/'],
  allow: ['127.0.0.0/8', '::1'],
  portmap: 'off',
  uid: 1000,
  gid: 100,
  holdMs: 20_000,
  maxConnections: 20,
  maxCallsPerConnection: 64,
  idleMs: 60_000,
  fsid: '0123456789abcdef',
  handleKey: Buffer.alloc(16, 3),
  cacheBytes: 1024 * 1024,
}
const content = Buffer.from([...Array(5000).keys()].map(at => at % 251))
const literal = { Movies: { 'Film (2001)': { 'Film (2001).mkv': content, 'žluť.srt': 'text' }, empty: '' }, TV: {} }

/** A server over a tree, and a client that has mounted its root. Everything goes away with the test. */
async function serveTree(t: Test, tree: FileTree, changes: Partial<NfsOptions> = {}, clock = new TestClock()) {
  const server = await startNfs({ ...options, ...changes }, tree, { log: silentLog, clock })
  const client = await connectRpc({ host, port: server.port, timeoutMs: 60_000 })
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const [nfs, mount] = [client.program(nfs3), client.program(mount3)]
  const mnt = async (path: string): Promise<FileHandle> => {
    const result = await mount.MNT(path)
    if (result.status !== 0) throw new Error(`MNT ${path}: ${result.status}`)
    return result.handle
  }
  const lookup = async (dir: FileHandle, name: string): Promise<FileHandle> => {
    const result = await nfs.LOOKUP({ dir, name })
    if (result.status !== 0) throw new Error(`LOOKUP ${name}: ${result.status}`)
    return result.object
  }
  return { server, client, nfs, mount, mnt, lookup, clock, root: await mnt('/').catch(() => Buffer.alloc(0)) }
}

for (const cacheBytes of [0, 3000, 1024 * 1024]) {
  t.test(`what clients see, with ${cacheBytes} bytes of cache`, async t => {
    const tree = new MemoryTree(literal)
    const { nfs, mount, mnt, lookup, root } = await serveTree(t, tree, { cacheBytes })
    const movies = await lookup(root, 'Movies')
    const film = await lookup(movies, 'Film (2001)')
    const file = await lookup(film, 'Film (2001).mkv')
    for (let time = 0; time < 2; time++) {
      const { modifiedAt, id } = tree.attributes(tree.lookup(tree.lookup(tree.root, 'Movies')!.id, 'Film (2001)')!.id)!
      const ms = modifiedAt % 1000
      const stamp = { seconds: (modifiedAt - ms) / 1000, nseconds: ms * 1e6 }
      const fsid = [0x01234567, 0x89abcdef]
      const expected = { type: 2, mode: 0o555, uid: 1000, gid: 100, fsid, fileid: id, mtime: stamp, ctime: stamp }
      t.match(await nfs.GETATTR({ object: film }), { status: 0, attributes: expected })
      t.match(await nfs.GETATTR({ object: file }), {
        attributes: { type: 1, mode: 0o444, nlink: 1, size: 5000, used: 5000 },
      })

      const found = await nfs.LOOKUP({ dir: film, name: 'žluť.srt' })
      t.match(found, { status: 0, attributes: { size: 4 }, dirAttributes: { fileid: id } })
      t.match(await nfs.LOOKUP({ dir: film, name: 'nothing' }), { status: Nfsstat3.NOENT, attributes: { fileid: id } })
      t.match(await nfs.LOOKUP({ dir: film, name: '' }), { status: Nfsstat3.NOENT })
      t.match(await nfs.LOOKUP({ dir: film, name: 'n'.repeat(256) }), { status: Nfsstat3.NAMETOOLONG })
      t.match(await nfs.LOOKUP({ dir: file, name: 'x' }), { status: Nfsstat3.NOTDIR })
      t.same(await lookup(film, '.'), film)
      t.same(await lookup(film, '..'), movies)
      t.same(await lookup(root, '..'), root)

      t.match(await nfs.ACCESS({ object: film, access: 0xffff_ffff }), { access: 0x23 })
      t.match(await nfs.ACCESS({ object: file, access: 0xffff_ffff }), { access: 0x01 })
      t.match(await nfs.READLINK({ object: file }), { status: Nfsstat3.INVAL })

      t.match(await nfs.FSSTAT({ object: root }), { status: 0, totalBytes: 5004, freeBytes: 0, totalFiles: 7 })
      const sizes = { rtmax: 1 << 20, rtpref: 1 << 20, properties: 8, timeDelta: { seconds: 0, nseconds: 1 } }
      const info = await nfs.FSINFO({ object: root })
      t.match(info, { status: 0, ...sizes })
      t.ok(info.status === 0 && info.wtmax >= 8192 && info.dtpref >= 8192, 'libnfs 4 mounts')
      t.match(await nfs.PATHCONF({ object: root }), { nameMax: 255, noTrunc: true, caseInsensitive: false })
      t.match(await nfs.COMMIT({ file, offset: 0, count: 0 }), { status: 0, verifier: Buffer.alloc(8) })
    }
    t.same(await mnt('/Movies/Film (2001)/'), film, 'a directory below, with a slash at its end')
    t.same(await mnt(''), root)
    t.match(await mount.MNT('/Movies/nothing'), { status: 2 })
    t.match(await mount.MNT('/Movies/empty'), { status: 20 })
    t.match(await mount.MNT('/Movies/../TV'), { status: 2 })
    t.match(await mount.MNT('/Movies'), { flavors: [1, 0] })
    t.same(await mount.EXPORT(), [{ directory: '/', groups: options.allow }])
  })
}

t.test('nothing can be written', async t => {
  const { nfs, root: dir } = await serveTree(t, new MemoryTree(literal))
  const set = { mode: 0o777, uid: undefined, gid: undefined, size: 0, atime: 'server', mtime: undefined } as const
  const where = { dir, name: 'x' }
  const answers = await Promise.all([
    nfs.SETATTR({ object: dir, attributes: set, guard: undefined }),
    nfs.WRITE({ file: dir, offset: 0, stable: 0, data: Buffer.alloc(60_000) }),
    nfs.CREATE({ where, how: { mode: 'exclusive', verifier: Buffer.alloc(8) } }),
    nfs.MKDIR({ where, attributes: set }),
    nfs.SYMLINK({ where, attributes: set, target: '/etc' }),
    nfs.MKNOD({ where, type: 7, attributes: set }),
    nfs.REMOVE(where),
    nfs.RMDIR(where),
    nfs.RENAME({ from: where, to: where }),
    nfs.LINK({ file: dir, link: where }),
  ])
  t.same([...new Set(answers.map(({ status }) => status))], [Nfsstat3.ROFS])
})

t.test('a handle that is not ours, or whose file is gone, is stale; one of before a restart is good', async t => {
  const tree = new MemoryTree(literal)
  const { nfs, lookup, root, server } = await serveTree(t, tree)
  const { status } = await nfs.GETATTR({ object: Buffer.alloc(24) })
  t.equal(status, Nfsstat3.STALE)
  for (const object of [Buffer.alloc(0), Buffer.alloc(64, 1), Buffer.concat([root, Buffer.alloc(1)])]) {
    const answers = await Promise.all([
      nfs.GETATTR({ object }),
      nfs.LOOKUP({ dir: object, name: 'x' }),
      nfs.ACCESS({ object, access: 1 }),
      nfs.READ({ file: object, offset: 0, count: 1 }),
      nfs.READDIR({ dir: object, cookie: 0, cookieverf: Buffer.alloc(8), count: 1000 }),
      nfs.FSINFO({ object }),
      nfs.FSSTAT({ object }),
      nfs.PATHCONF({ object }),
      nfs.COMMIT({ file: object, offset: 0, count: 0 }),
    ])
    t.same([...new Set(answers.map(answer => answer.status))], [Nfsstat3.STALE])
  }
  const movies = await lookup(root, 'Movies')
  const file = await lookup(movies, 'empty')
  t.match(await nfs.GETATTR({ object: file }), { status: 0 })
  const id = tree.lookup(tree.root, 'Movies')!.id
  tree.remove(id, 'empty')
  server.changed([id])
  t.match(await nfs.GETATTR({ object: file }), { status: Nfsstat3.STALE })
  t.match(await nfs.LOOKUP({ dir: movies, name: 'empty' }), { status: Nfsstat3.NOENT })
  const again = await serveTree(t, tree)
  t.match(await again.nfs.GETATTR({ object: movies }), { status: 0 })
})

t.test('reads end where the file does, and say so', async t => {
  const { nfs, lookup, root, server } = await serveTree(t, new MemoryTree(literal))
  const film = await lookup(await lookup(root, 'Movies'), 'Film (2001)')
  const file = await lookup(film, 'Film (2001).mkv')
  const read = async (offset: number, count: number) => {
    const result = await nfs.READ({ file, offset, count })
    assert(result.status === 0 && result.attributes?.size === 5000)
    assert.deepEqual(Buffer.from(result.data), content.subarray(offset, offset + count))
    return [result.data.length, result.eof]
  }
  t.same(await read(0, 5000), [5000, true])
  t.same(await read(0, 4999), [4999, false])
  t.same(await read(4999, 100), [1, true])
  t.same(await read(5000, 1), [0, true])
  t.same(await read(2 ** 60, 1), [0, true], 'far beyond the end')
  t.same(await read(7, 0), [0, false])
  t.same(await read(1, 0xffff_ffff), [4999, true])
  t.match(await nfs.READ({ file: film, offset: 0, count: 1 }), { status: Nfsstat3.ISDIR })
  t.equal(server.stats().bytesRead, 5000 + 4999 + 1 + 4999)
  const big = await serveTree(t, new MemoryTree({ big: Buffer.alloc(3 << 20, 5) }))
  const clamped = await big.nfs.READ({ file: await big.lookup(big.root, 'big'), offset: 0, count: 2 << 20 })
  t.ok(clamped.status === 0 && clamped.data.length === 1 << 20 && !clamped.eof)
})

/** A tree whose one file is read when the test lets it. */
function slowTree() {
  const tree = new MemoryTree({ slow: 'slow!', fast: 'fast!' })
  const slow = tree.lookup(tree.root, 'slow')!.id
  const reads: { resolve(): void; reject(error: Error): void; readonly signal: AbortSignal }[] = []
  const waiting = Object.assign(tree, {
    read(id: FileId, target: Uint8Array, offset: number, signal: AbortSignal) {
      if (id !== slow) return MemoryTree.prototype.read.call(tree, id, target, offset, signal)
      return new Promise<void>((resolve, reject) => {
        reads.push({
          resolve() {
            MemoryTree.prototype.read.call(tree, id, target, offset, signal)
            resolve()
          },
          reject,
          signal,
        })
      })
    },
  })
  return { tree: waiting, reads }
}

t.test('a READ waits for its bytes, and nothing else does', async t => {
  const { tree, reads } = slowTree()
  const { nfs, lookup, root, server } = await serveTree(t, tree)
  const [slow, fast] = [await lookup(root, 'slow'), await lookup(root, 'fast')]
  const waiting = nfs.READ({ file: slow, offset: 1, count: 3 })
  t.match(await nfs.GETATTR({ object: slow }), { status: 0 })
  t.match(await nfs.READ({ file: fast, offset: 0, count: 9 }), { data: Buffer.from('fast!'), eof: true })
  t.equal(server.stats().heldReads, 1)
  reads[0]!.resolve()
  t.match(await waiting, { status: 0, data: Buffer.from('low'), eof: false })
  t.equal(server.stats().heldReads, 0)
})

t.test('bytes that do not come in time are asked for again, and the work is stopped', async t => {
  const { tree, reads } = slowTree()
  const { nfs, lookup, root, server, clock } = await serveTree(t, tree)
  const slow = await lookup(root, 'slow')
  const waiting = nfs.READ({ file: slow, offset: 0, count: 5 })
  await nfs.NULL()
  await clock.advance(19_999)
  t.equal(reads[0]!.signal.aborted, false)
  await clock.advance(1)
  t.match(await waiting, { status: Nfsstat3.JUKEBOX, attributes: { size: 5 } })
  t.equal(reads[0]!.signal.aborted, true)
  t.match(server.stats(), { jukeboxAnswers: 1, heldReads: 0 })
  reads[0]!.resolve() // too late, and harmless
  const again = nfs.READ({ file: slow, offset: 0, count: 5 })
  await nfs.NULL()
  reads[1]!.resolve()
  t.match(await again, { status: 0, data: Buffer.from('slow!') })
})

t.test('a connection that ends stops the work for it', async t => {
  const { tree, reads } = slowTree()
  const { server, lookup, root } = await serveTree(t, tree)
  const slow = await lookup(root, 'slow')
  const client = await connectRpc({ host, port: server.port })
  client
    .program(nfs3)
    .READ({ file: slow, offset: 0, count: 5 })
    .catch(() => {})
  await client.program(nfs3).NULL()
  const aborted = once(reads[0]!.signal, 'abort')
  await client[Symbol.asyncDispose]()
  await aborted
  reads[0]!.reject(new Error('AbortError'))
  t.pass('the signal was aborted')
})

t.test('each failure of the tree has its status, and a bug is not mistaken for one', async t => {
  const { tree, reads } = slowTree()
  const { nfs, lookup, root } = await serveTree(t, tree)
  const slow = await lookup(root, 'slow')
  const statuses = { gone: 70, 'not-a-file': 21, 'not-ready': 10008, unreadable: 5 } as const
  for (const [code, status] of Object.entries(statuses) as [keyof typeof statuses, number][]) {
    const waiting = nfs.READ({ file: slow, offset: 0, count: 5 })
    await nfs.NULL()
    reads.pop()!.reject(new TreeError(code, 'as the test wants'))
    t.equal((await waiting).status, status, code)
  }
  const waiting = nfs.READ({ file: slow, offset: 0, count: 5 })
  await nfs.NULL()
  reads.pop()!.reject(new TypeError('a bug'))
  await t.rejects(waiting, new RpcRefusal({ reason: 'SYSTEM_ERR' }))
})

t.test('a change is seen as soon as it is announced, in listings, names, attributes and sizes', async t => {
  const tree = new MemoryTree({ Movies: { A: { 'a.mkv': 'a' } } })
  const { nfs, lookup, root, server } = await serveTree(t, tree)
  const moviesId = tree.lookup(tree.root, 'Movies')!.id
  const [movies] = [await lookup(root, 'Movies')]
  const page = async (dir: FileHandle) => {
    const result = await nfs.READDIRPLUS({
      dir,
      cookie: 0,
      cookieverf: Buffer.alloc(8),
      dircount: 9999,
      maxcount: 9999,
    })
    assert(result.status === 0)
    return result.entries.map(({ name, attributes }) => [name, attributes?.mtime])
  }
  const stamp = (id: FileId) => {
    const ms = tree.attributes(id)!.modifiedAt
    return { seconds: Math.floor(ms / 1000), nseconds: (ms % 1000) * 1e6 }
  }
  const expected = () => {
    const entries = tree.list(moviesId, 0, 100).map(({ name, id }) => [name, stamp(id)])
    return [['.', stamp(moviesId)], ['..', stamp(tree.root)], ...entries]
  }
  t.same(await page(movies), expected())
  t.same(await page(movies), expected())
  t.match(await nfs.LOOKUP({ dir: movies, name: 'B' }), { status: Nfsstat3.NOENT })
  tree.add(moviesId, 'B', 'bb')
  server.changed([moviesId])
  t.same(await page(movies), expected())
  t.match(await nfs.LOOKUP({ dir: movies, name: 'B' }), { attributes: { size: 2 } })
  const a = tree.lookup(moviesId, 'A')!.id
  tree.add(a, 'more.mkv', 'm')
  server.changed([a])
  t.same(await page(movies), expected(), "the parent's listing shows the new time of a directory in it")
  tree.add(tree.root, 'TV', {})
  server.changed('all')
  t.same(await page(movies), expected(), 'and the new time of the one above')
})

const entriesAs = { READDIR: encodedEntries(entry3), READDIRPLUS: encodedEntries(entryplus3) }
function encodedEntries<E>(codec: Parameters<typeof list<E, E>>[0]) {
  return (entries: readonly E[]) => encode(list(codec, 100_000), entries).bytes.length
}

t.test(
  'pages fit, end only at an entry that does not, and lose or repeat nothing while the directory changes',
  async t => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter(text => !text.includes('\0') && text !== '.' && text !== '..')
    const step = fc.record({
      plus: fc.boolean(),
      bytes: fc.integer({ min: 150, max: 2500 }),
      dircount: fc.integer({ min: 20, max: 1500 }),
      add: fc.option(name, { nil: undefined }),
      remove: fc.option(fc.nat(50), { nil: undefined }),
    })
    const tree = new MemoryTree()
    const { nfs, lookup, root, server } = await serveTree(t, tree)
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name, { maxLength: 40 }),
        fc.array(step, { minLength: 1, maxLength: 10 }),
        async (names, steps) => {
          const directory = tree.add(tree.root, `run ${run++}`, Object.fromEntries(names.map(each => [each, 'x'])))
          server.changed([tree.root])
          const dir = await lookup(root, `run ${run - 1}`)
          const throughout = new Set(names)
          const seen: string[] = []
          for (let [cookie, at, eof] = [0, 0, false]; !eof; at++) {
            const { plus, bytes, dircount, add, remove } =
              at < 60 ? steps[at % steps.length]! : { ...steps[0]!, bytes: 5000, dircount: 5000 }
            const common = { dir, cookie, cookieverf: Buffer.alloc(8) }
            const result = plus
              ? await nfs.READDIRPLUS({ ...common, dircount, maxcount: bytes })
              : await nfs.READDIR({ ...common, count: bytes })
            if (result.status === Nfsstat3.TOOSMALL) {
              const next = tree.list(directory, Math.max(2, cookie), 1)[0]?.name ?? '.'
              const longest = 24 + 3 + Math.max(...[next, '..'].map(each => Buffer.byteLength(each))) + (plus ? 120 : 0)
              assert(bytes - 104 < longest || (plus && dircount < longest), 'an entry would have fitted')
              if (at >= 60) break
              continue
            }
            assert(result.status === 0)
            const entries = result.entries as readonly Entryplus3[]
            const size = plus ? entriesAs.READDIRPLUS(entries) : entriesAs.READDIR(entries)
            assert(88 + 8 + size + 4 <= bytes, 'the page is not longer than was asked for')
            if (plus) {
              const names = entries.map(entry => 20 + Math.ceil(Buffer.byteLength(entry.name) / 4) * 4)
              assert(names.reduce((sum, each) => sum + each, 0) <= dircount, 'nor its names')
            }
            assert(entries.length > 0 || result.eof)
            seen.push(...entries.map(entry => entry.name))
            cookie = entries.at(-1)?.cookie ?? cookie
            eof = result.eof
            if (add !== undefined && at < 20 && tree.lookup(directory, add) === undefined) tree.add(directory, add, 'y')
            const gone = remove === undefined || at >= 20 ? undefined : tree.list(directory, 0, 100)[remove]?.name
            if (gone !== undefined) {
              tree.remove(directory, gone)
              throughout.delete(gone)
            }
            server.changed([directory])
          }
          assert.equal(seen[0], '.')
          assert.equal(seen[1], '..')
          for (const each of throughout) assert.equal(seen.filter(one => one === each).length, 1, each)
        },
      ),
      { numRuns: 120 },
    )
    t.pass('120 directories')
  },
)

t.test('a page of a large directory is bounded, and eof comes with the last entry', async t => {
  const names = Object.fromEntries([...Array(3000).keys()].map(at => [`Title ${at}`, 'x']))
  const { nfs, root } = await serveTree(t, new MemoryTree(names))
  const seen: string[] = []
  for (let [cookie, eof] = [0, false]; !eof; ) {
    const result = await nfs.READDIRPLUS({
      dir: root,
      cookie,
      cookieverf: Buffer.alloc(8),
      dircount: 0xffff_ffff,
      maxcount: 0xffff_ffff,
    })
    assert(result.status === 0)
    const bytes = 100 + entriesAs.READDIRPLUS(result.entries)
    t.ok(bytes <= 256 * 1024, `${bytes} bytes`)
    seen.push(...result.entries.map(entry => entry.name))
    cookie = result.entries.at(-1)!.cookie
    eof = result.eof
  }
  t.same(seen, ['.', '..', ...Object.keys(names)])
  const beyond = { dir: root, cookieverf: Buffer.alloc(8, 9), count: 1000 }
  t.match(await nfs.READDIR({ ...beyond, cookie: 2 ** 52 }), { status: 0, entries: [], eof: true })
  t.match(await nfs.READDIR({ ...beyond, cookie: 0, count: 10 }), { status: Nfsstat3.TOOSMALL })
})

t.test('nobody climbs out of an export', async t => {
  const tree = new MemoryTree({ Movies: { A: {} }, TV: {} })
  const { nfs, mount, mnt, lookup } = await serveTree(t, tree, { exports: ['/Movies/'] })
  const movies = await mnt('/Movies')
  t.same(await lookup(movies, '..'), movies)
  t.same(await lookup(await mnt('/Movies/A'), '..'), movies)
  const page = await nfs.READDIRPLUS({
    dir: movies,
    cookie: 1,
    cookieverf: Buffer.alloc(8),
    dircount: 999,
    maxcount: 999,
  })
  t.ok(page.status === 0 && Buffer.from(page.entries[0]!.handle!).equals(movies))
  t.match(await mount.MNT('/'), { status: 13 })
  t.match(await mount.MNT('/TV'), { status: 13 })
  t.match(await mount.MNT('/MoviesX'), { status: 13 })
  t.match(await mount.EXPORT(), [{ directory: '/Movies' }])
})

t.test('older MOUNT versions answer what has not changed; NFSv4 and NFSACL are refused at once', async t => {
  const { client, mount, server } = await serveTree(t, new MemoryTree(literal))
  const old = client.program(mount1)
  t.match(await old.EXPORT(), [{ directory: '/' }])
  await old.NULL()
  await t.rejects(old.MNT('/'), new RpcRefusal({ reason: 'PROG_MISMATCH', low: 3, high: 3 }))
  const v4 = client.program({ ...nfs3, version: 4 })
  await t.rejects(v4.NULL(), new RpcRefusal({ reason: 'PROG_MISMATCH', low: 3, high: 3 }))
  await t.rejects(client.program({ ...nfs3, number: 100227 }).NULL(), new RpcRefusal({ reason: 'PROG_UNAVAIL' }))
  t.match(await mount.DUMP(), [{ host, directory: '/' }])
  t.match(server.stats().clients, [{ address: host, connections: 1, mounted: '/' }])
  await using udp = await connectRpcUdp({ host, port: server.port, timeoutMs: 60_000 })
  t.match(await udp.program(mount3).MNT('/Movies'), { status: 0 })
  await mount.UMNT('/')
  await mount.UMNTALL()
  t.same(await mount.DUMP(), [])
})

t.test('the portmapper knows our programs in all its versions, and takes no others', async t => {
  const port = await freePort()
  const { server } = await serveTree(t, new MemoryTree(literal), { portmap: 'serve', portmapPort: port })
  t.same(server.portmap, { how: 'served' })
  for (const connectTo of [connectRpc, connectRpcUdp]) {
    await using client = await connectTo({ host, port, timeoutMs: 60_000 })
    const [two, three, four] = [client.program(portmap2), client.program(rpcbind3), client.program(rpcbind4)]
    const at = (program: number, version: number, protocol = 6) => two.GETPORT({ program, version, protocol, port: 0 })
    t.equal(await at(100003, 3), server.port)
    t.equal(await at(100005, 1, 17), server.port)
    t.equal(await at(100003, 3, 17), 0, 'no NFS over UDP')
    t.equal(await at(100021, 4), 0)
    t.equal(await at(100000, 2), port)
    const rpcb = { program: 100003, version: 3, netid: 'tcp', address: '', owner: '' }
    const address = `127.0.0.1.${server.port >> 8}.${server.port & 255}`
    t.equal(await three.GETADDR(rpcb), address)
    t.equal(await four.GETADDR({ ...rpcb, version: 4 }), address, 'any version will do')
    t.equal(await four.GETVERSADDR({ ...rpcb, version: 4 }), '')
    t.equal(await four.GETADDR({ ...rpcb, program: 1 }), '')
    t.equal((await two.DUMP()).length, (await four.DUMP()).length)
    t.equal(await two.SET({ program: 5, version: 1, protocol: 6, port: 1 }), false)
    t.equal(await four.UNSET(rpcb), false)
  }
  const second = await serveTree(t, new MemoryTree(literal), { portmap: 'auto', portmapPort: port })
  t.equal(second.server.portmap.how, 'off', 'what runs there takes no registration')
  t.match(second.server.portmap.reason, /EADDRINUSE/)
  await t.rejects(startNfs({ ...options, portmap: 'serve', portmapPort: port }, new MemoryTree(), { log: silentLog }))
})

async function freePort(): Promise<number> {
  await using server = await startNfs(options, new MemoryTree(), { log: silentLog })
  return server.port
}

t.test('clients outside the allow-list are sent away and counted', async t => {
  const { server } = await serveTree(t, new MemoryTree(literal), { allow: ['127.0.0.1'] })
  const socket = connect({ host, port: server.port, localAddress: '127.0.0.2' }).on('error', () => {})
  await once(socket, 'close')
  t.equal(server.stats().refusedConnections, 1)
})

t.test('options that make no sense are refused', async t => {
  const refused = (wrong: Partial<NfsOptions>) =>
    t.rejects(startNfs({ ...options, ...wrong }, new MemoryTree(), { log: silentLog }), RangeError)
  await refused({ fsid: '12' })
  await refused({ handleKey: Buffer.alloc(3) })
  for (const entry of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', '10.0.0.0/-1']) {
    await refused({ allow: [entry] })
  }
})
