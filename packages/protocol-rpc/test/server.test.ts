import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import {
  type Answer,
  type Args,
  type CallEvent,
  type CallFailure,
  callChannel,
  connectRpc,
  connectRpcUdp,
  Mountstat3,
  mount3,
  Nfsstat3,
  nfs3,
  portmap2,
  type RpcClient,
  RpcDispatcher,
  RpcRefusal,
  type RpcServerOptions,
  RpcUnanswered,
  type Service,
  serve,
  startRpcServer,
  startRpcUdpServer,
  XdrReader,
  XdrWriter,
} from '../src/index.ts'
import { captured } from './wire.ts'

const host = '127.0.0.1'
const rofs = { status: Nfsstat3.ROFS } as const
const rest = Object.fromEntries(Object.keys(nfs3.procedures).map(name => [name, () => rofs])) as unknown as Service<
  typeof nfs3
>

type Read = (
  args: Args<typeof nfs3, 'READ'>,
  signal: AbortSignal,
) => Answer<typeof nfs3, 'READ'> | Promise<Answer<typeof nfs3, 'READ'>>

/** NFS of which only NULL, COMMIT and READ do something, and READ what the test wants. */
function services(read: Read = () => rofs) {
  return [
    serve(nfs3, {
      ...rest,
      NULL: () => undefined,
      GETATTR: () => {
        throw new Error('a bug')
      },
      READ: (args, call) => read(args, call.signal),
    }),
  ]
}

async function startServer(options: Partial<RpcServerOptions> = {}) {
  const failures: CallFailure[] = []
  const onError = (failure: CallFailure) => failures.push(failure)
  const server = await startRpcServer({ host, port: 0, services: services(), onError, ...options })
  return Object.assign(server, { failures })
}

const nfs = (client: RpcClient) => client.program(nfs3)
const readArgs = (offset: number, count = 10) => ({ file: Buffer.alloc(8), offset, count })

/** A call's words as hexadecimal digits, the first being the xid. */
function words(...values: number[]): Buffer {
  const to = new XdrWriter()
  for (const value of values) to.u32(value)
  return to.bytes()
}

t.test('each refusal of RFC 5531 section 9, word by word', async t => {
  const dispatcher = new RpcDispatcher(services(), () => {})
  const answer = (call: Buffer) => {
    const to = new XdrWriter()
    const dispatched = dispatcher.dispatch(new XdrReader(call), to, {
      transport: 'tcp',
      address: host,
      port: 1,
      localAddress: host,
    })
    return dispatched === 'answered'
      ? to
          .bytes()
          .toString('hex')
          .replace(/.{8}(?=.)/g, '$& ')
      : dispatched
  }
  const ok = [0, 0, 0, 0] // AUTH_NONE twice
  const none = '00000000 00000000'
  t.equal(answer(words(9, 0, 2, 100003, 3, 0, ...ok)), `00000009 00000001 00000000 ${none} 00000000`)
  t.equal(answer(words(9, 0, 3, 100003, 3, 0, ...ok)), '00000009 00000001 00000001 00000000 00000002 00000002')
  t.equal(answer(words(9, 0, 2, 100227, 3, 0, ...ok)), `00000009 00000001 00000000 ${none} 00000001`, 'NFSACL')
  t.equal(answer(words(9, 0, 2, 100003, 4, 0, ...ok)), `00000009 00000001 00000000 ${none} 00000002 00000003 00000003`)
  t.equal(answer(words(9, 0, 2, 100003, 3, 22, ...ok)), `00000009 00000001 00000000 ${none} 00000003`)
  t.equal(answer(words(9, 0, 2, 100003, 3, 0xffff_ffff, ...ok)), `00000009 00000001 00000000 ${none} 00000003`)
  t.equal(answer(words(9, 0, 2, 100003, 3, 6, ...ok)), `00000009 00000001 00000000 ${none} 00000004`, 'no arguments')
  t.equal(answer(words(9, 0, 2, 100003)), `00000009 00000001 00000000 ${none} 00000004`, 'cut in its header')
  t.equal(answer(words(9, 0, 2, 100003, 3, 1, ...ok, 0)), `00000009 00000001 00000000 ${none} 00000005`, 'a bug')
  for (const flavor of [2, 6, 7]) {
    const refused = '00000009 00000001 00000001 00000001 00000002'
    t.equal(answer(words(9, 0, 2, 100003, 3, 0, flavor, 0, 0, 0)), refused, `flavour ${flavor}`)
  }
  const badCredential = '00000009 00000001 00000001 00000001 00000001'
  t.equal(answer(words(9, 0, 2, 100003, 3, 0, 0, 404, 0, 0)), badCredential, 'over 400 bytes')
  t.equal(answer(words(9, 0, 2, 100003, 3, 0, 1, 4, 0, 0, 0)), badCredential, 'AUTH_SYS cut short')
  const gids = new Array<number>(17).fill(0)
  t.equal(answer(words(9, 0, 2, 100003, 3, 0, 1, 20 + 68, 0, 0, 0, 0, 17, ...gids, 0, 0)), badCredential, '17 groups')
  const sixteen = gids.slice(1)
  t.match(answer(words(9, 0, 2, 100003, 3, 0, 1, 20 + 64, 0, 0, 0, 0, 16, ...sixteen, 0, 0)), / 00000000$/, '16 groups')
  t.equal(answer(words(9, 0, 2, 100003, 3, 0, 0, 0, 0, 500)), '00000009 00000001 00000001 00000001 00000003')
  t.equal(answer(words(9)), 'not-a-call')
  t.equal(answer(words(9, 1, 2, 100003, 3, 0, ...ok)), 'not-a-call', 'a reply')
  t.ok(dispatcher.refused > 10)
})

t.test('random, truncated and altered calls are answered or dropped; replies are whole words', async t => {
  const dispatcher = new RpcDispatcher(
    [
      ...services(),
      serve(portmap2, { NULL: () => {}, SET: () => false, UNSET: () => false, GETPORT: () => 0, DUMP: () => [] }),
    ],
    () => {},
  )
  const calls = captured().filter(({ kind }) => kind === 'call')
  const peer = { transport: 'tcp', address: host, port: 1, localAddress: host } as const
  const changes = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 5 })
  const record = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    fc.tuple(fc.constantFrom(...calls), changes, fc.nat(300)).map(([{ bytes }, altered, cut]) => {
      const copy = Buffer.from(bytes)
      for (const [at, value] of altered) if (at < copy.length) copy[at] = value
      return copy.subarray(0, cut < copy.length ? cut : undefined)
    }),
  )
  fc.assert(
    fc.property(record, bytes => {
      const to = new XdrWriter()
      const dispatched = dispatcher.dispatch(new XdrReader(bytes), to, peer)
      const reply = to.bytes()
      assert.equal(reply.length % 4, 0)
      if (dispatched === 'answered') assert.equal(reply.readUInt32BE(0), bytes.readUInt32BE(0), 'the same xid')
      else assert.equal(reply.length, 0)
    }),
    { numRuns: 3000 },
  )
  t.pass('3000 records')
})

t.test('a client calls by the same table, with and without a credential', async t => {
  await using server = await startServer({
    services: [
      serve(mount3, {
        NULL: () => undefined,
        MNT: (path, call) => ({
          status: Mountstat3.OK,
          handle: Buffer.from(`${path} ${call.auth?.uid} ${call.auth?.machineName}`),
          flavors: [1],
        }),
        DUMP: () => [],
        UMNT: () => undefined,
        UMNTALL: () => undefined,
        EXPORT: () => [{ directory: '/', groups: ['everybody'] }],
      }),
    ],
  })
  await using plain = await connectRpc({ host, port: server.port })
  t.same(await plain.program(mount3).EXPORT(), [{ directory: '/', groups: ['everybody'] }])
  t.match(await plain.program(mount3).MNT('/x'), {
    status: 0,
    handle: Buffer.from('/x undefined undefined'),
    flavors: [1],
  })
  const auth = { stamp: 1, machineName: 'höst', uid: 1000, gid: 100, gids: [4, 5] }
  await using named = await connectRpc({ host, port: server.port, auth })
  t.match(await named.program(mount3).MNT('/x'), { handle: Buffer.from('/x 1000 höst') })
  await t.rejects(nfs(plain).NULL(), new RpcRefusal({ reason: 'PROG_UNAVAIL' }))
  await t.rejects(
    plain.program({ ...mount3, version: 9 }).NULL(),
    new RpcRefusal({ reason: 'PROG_MISMATCH', low: 3, high: 3 }),
  )
})

t.test('a bug costs its call, and is told with its name and xid', async t => {
  await using server = await startServer()
  await using client = await connectRpc({ host, port: server.port })
  await t.rejects(nfs(client).GETATTR({ object: Buffer.alloc(4) }), new RpcRefusal({ reason: 'SYSTEM_ERR' }))
  t.match(server.failures, [{ program: 'NFS', procedure: 'GETATTR', xid: Number, error: new Error('a bug') }])
  await nfs(client).NULL()
  const stats = server.stats().procedures.find(({ procedure }) => procedure === 'GETATTR')
  t.match(stats, { calls: 1, errors: 1 })
})

t.test('a waiting call holds up nobody, and replies come in any order', async t => {
  const gate = Promise.withResolvers<void>()
  const read: Read = async ({ offset }) => {
    await gate.promise
    return { status: 0, eof: true, data: Buffer.from(`${offset}`) }
  }
  await using server = await startServer({ services: services(read) })
  await using client = await connectRpc({ host, port: server.port })
  const slow = [1, 2, 3].map(offset => nfs(client).READ(readArgs(offset)))
  await nfs(client).NULL()
  t.equal(server.connections()[0]!.waiting, 3)
  gate.resolve()
  const results = await Promise.all(slow)
  t.same(
    results.map(result => result.status === 0 && `${result.data}`),
    ['1', '2', '3'],
  )
  const { waited } = server.stats().procedures.find(({ procedure }) => procedure === 'READ')!
  t.equal(waited.calls, 3)
  t.equal(
    waited.buckets.reduce((sum, count) => sum + count),
    3,
  )
})

t.test('large payloads arrive whole, whatever their length, and their buffers come back', async t => {
  let released = 0
  const read: Read = ({ offset, count }) => ({
    status: 0,
    eof: false,
    data: Buffer.alloc(count, offset),
    release: () => released++,
  })
  await using server = await startServer({ services: services(read), maxQueuedBytes: 100_000 })
  await using client = await connectRpc({ host, port: server.port })
  const lengths = [0, 1, 2, 3, 4095, 4096, 4097, 4098, 4099, 65_537, 1_048_575, 1_048_576]
  const results = await Promise.all(lengths.map((count, at) => nfs(client).READ(readArgs(at, count))))
  results.forEach((result, at) => {
    t.ok(result.status === 0 && Buffer.from(result.data).equals(Buffer.alloc(lengths[at]!, at)), `${lengths[at]} bytes`)
  })
  t.equal(released, lengths.length)
})

t.test('calls over the limit wait unread, and none is lost', async t => {
  const waiting: (() => void)[] = []
  let most = 0
  const read: Read = ({ offset }) =>
    new Promise(resolve => {
      waiting.push(() => resolve({ status: 0, eof: true, data: Buffer.from(`${offset}`) }))
      most = Math.max(most, waiting.length)
      if (waiting.length === 4)
        setImmediate(() => {
          for (const answer of waiting.splice(0)) answer()
        })
    })
  await using server = await startServer({ services: services(read), maxCallsPerConnection: 4 })
  await using client = await connectRpc({ host, port: server.port })
  const results = await Promise.all(Array.from({ length: 40 }, (_, offset) => nfs(client).READ(readArgs(offset))))
  t.same(
    results.map(result => result.status === 0 && `${result.data}`),
    [...results.keys()].map(String),
  )
  t.equal(most, 4)
})

t.test('a connection that ends aborts the calls that wait on it', async t => {
  const aborted = Promise.withResolvers<unknown>()
  const began = Promise.withResolvers<void>()
  let released = 0
  const read: Read = async (_, signal) => {
    began.resolve()
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    aborted.resolve(signal.reason)
    return { status: 0, eof: true, data: Buffer.alloc(5000), release: () => released++ }
  }
  await using server = await startServer({ services: services(read) })
  const client = await connectRpc({ host, port: server.port })
  const call = nfs(client).READ(readArgs(0))
  call.catch(() => {})
  await began.promise
  await client[Symbol.asyncDispose]()
  t.match(await aborted.promise, { name: 'AbortError' })
  await t.rejects(call, RpcUnanswered)
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  t.equal(released, 1, 'what nobody wants any more is given back')
})

/** What a raw connection is told until it is closed. */
async function tell(port: number, bytes: Buffer): Promise<Buffer> {
  const socket: Socket = connect({ host, port })
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk as Buffer)).on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks)
}

t.test('size bombs and nonsense end the connection', async t => {
  await using server = await startServer({ maxRecordBytes: 1000, maxFragments: 5 })
  t.equal((await tell(server.port, Buffer.from('ffffffff', 'hex'))).length, 0)
  t.equal((await tell(server.port, Buffer.from(`000003e0${'00'.repeat(992)}000003e0`, 'hex'))).length, 0)
  t.equal((await tell(server.port, Buffer.alloc(4 * 6))).length, 0, 'empty fragments')
  t.equal((await tell(server.port, Buffer.from('80000004' + '00000001', 'hex'))).length, 0, 'less than a call')
  await using client = await connectRpc({ host, port: server.port })
  await nfs(client).NULL()
})

t.test('who is not allowed, and who is one too many, is sent away', async t => {
  await using closed = await startServer({ accept: () => false })
  t.equal((await tell(closed.port, Buffer.alloc(0))).length, 0)
  t.equal(closed.stats().refusedConnections, 1)
  await using small = await startServer({ maxConnections: 1 })
  await using client = await connectRpc({ host, port: small.port })
  await nfs(client).NULL()
  t.equal((await tell(small.port, Buffer.alloc(0))).length, 0)
  t.equal(small.stats().refusedConnections, 1)
  await nfs(client).NULL()
})

t.test('a silent connection is closed, one that waits for its answer is not', async t => {
  const gate = Promise.withResolvers<void>()
  const read: Read = async () => {
    await gate.promise
    return { status: 0, eof: true, data: Buffer.alloc(1) }
  }
  await using server = await startServer({ services: services(read), idleMs: 30 })
  await using client = await connectRpc({ host, port: server.port })
  const call = nfs(client).READ(readArgs(0))
  await tell(server.port, Buffer.alloc(0)) // came later, and is closed for its silence
  await tell(server.port, Buffer.alloc(0))
  gate.resolve()
  t.match(await call, { status: 0 })
})

t.test('disposing finishes what has begun, and waits no longer than it may', async t => {
  const gate = Promise.withResolvers<void>()
  const read: Read = async ({ offset }) => {
    await (offset === 0 ? gate.promise : new Promise(() => {}))
    return { status: 0, eof: true, data: Buffer.alloc(5) }
  }
  const server = await startServer({ services: services(read) })
  await using client = await connectRpc({ host, port: server.port })
  const call = nfs(client).READ(readArgs(0))
  await nfs(client).NULL()
  const disposed = server[Symbol.asyncDispose]()
  await t.rejects(connectRpc({ host, port: server.port }), RpcUnanswered, 'nobody else gets in')
  gate.resolve()
  t.match(await call, { status: 0 })
  await disposed

  const hanging = await startServer({ services: services(read), drainMs: 20 })
  await using other = await connectRpc({ host, port: hanging.port })
  const never = nfs(other).READ(readArgs(1))
  never.catch(() => {})
  await nfs(other).NULL()
  await hanging[Symbol.asyncDispose]()
  await t.rejects(never, RpcUnanswered)
})

t.test('UDP: one call, one reply, to those allowed', async t => {
  const failures: CallFailure[] = []
  let allowed = true
  await using server = await startRpcUdpServer({
    host,
    port: 0,
    services: services(async ({ offset }) => ({ status: 0, eof: true, data: Buffer.from(`${offset}`) })),
    onError: failure => failures.push(failure),
    accept: () => allowed,
  })
  await using client = await connectRpcUdp({ host, port: server.port, timeoutMs: 100 })
  await nfs(client).NULL()
  t.match(await nfs(client).READ(readArgs(5)), { status: 0, data: Buffer.from('5') })
  allowed = false
  await t.rejects(nfs(client).NULL(), RpcUnanswered)
  t.equal(server.stats().refusedConnections, 1)
})

t.test('a client gives up when told to', async t => {
  await using server = await startServer({ services: services(() => new Promise(() => {})), drainMs: 0 })
  await using client = await connectRpc({ host, port: server.port, timeoutMs: 30 })
  await t.rejects(nfs(client).READ(readArgs(0)), RpcUnanswered)
  const reason = new Error('no longer')
  await t.rejects(nfs(client).READ(readArgs(0), AbortSignal.abort(reason)), reason)
  const controller = new AbortController()
  const call = nfs(client).READ(readArgs(0), controller.signal)
  controller.abort(reason)
  await t.rejects(call, reason)
})

t.test('each call is published to those who subscribe', async t => {
  await using server = await startServer()
  await using client = await connectRpc({ host, port: server.port })
  const events: CallEvent[] = []
  const listener = (event: unknown) => events.push(event as CallEvent)
  callChannel.subscribe(listener)
  await nfs(client).COMMIT({ file: Buffer.alloc(4), offset: 0, count: 0 })
  callChannel.unsubscribe(listener)
  await nfs(client).NULL()
  t.match(events, [
    { program: 'NFS', procedure: 'COMMIT', status: Nfsstat3.ROFS, durationMs: Number, peer: { address: host } },
  ])
})
