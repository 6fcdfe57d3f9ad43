import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  type AnyProcedure,
  type AnyProgram,
  mount1,
  mount3,
  nfs3,
  nothing,
  portmap2,
  rpcbind3,
  rpcbind4,
  XdrError,
  XdrReader,
  XdrWriter,
} from '../src/index.ts'
import { readReply } from '../src/rpc-message.ts'
import { mount3Values, nfs3Values, portmap2Values, rpcbind4Values } from './arbitraries.ts'
import { type Captured, captured } from './wire.ts'

const tables: readonly [AnyProgram, Record<string, { args: fc.Arbitrary<unknown>; result: fc.Arbitrary<unknown> }>][] =
  [
    [nfs3, nfs3Values],
    [mount3, mount3Values],
    [portmap2, portmap2Values],
    [rpcbind4, rpcbind4Values],
  ]
const programs: Record<string, AnyProgram> = { nfs3, mount3, mount1, portmap2, rpcbind3, rpcbind4 }

function procedureOf({ name }: Captured): AnyProcedure {
  const [program, procedure] = name.split('-') as [string, string]
  return programs[program]!.procedures[procedure.toUpperCase()]!
}

/** A reader that stands where the arguments or results of a captured message begin. */
function bodyOf({ kind, bytes }: Captured): XdrReader {
  const from = new XdrReader(bytes)
  from.u32()
  if (kind === 'reply') readReply(from)
  else {
    for (let word = 0; word < 5; word++) from.u32()
    for (const _ of ['credential', 'verifier']) {
      from.u32()
      from.skipOpaque(400)
    }
  }
  return from
}

for (const [program, values] of tables) {
  for (const [name, procedure] of Object.entries(program.procedures)) {
    for (const part of ['args', 'result'] as const) {
      t.test(`${part} of ${program.name} ${name} survive the wire, to the last byte`, async t => {
        const codec = procedure[part]
        fc.assert(
          fc.property(values[name]![part], value => {
            const to = new XdrWriter()
            codec.write(to, value)
            const bytes = to.bytes()
            assert.equal(bytes.length % 4, 0)
            const from = new XdrReader(bytes)
            assert.deepEqual(plain(codec.read(from)), plain(value))
            assert.equal(from.remaining, 0)
          }),
          { numRuns: 60 },
        )
        t.pass('60 values')
      })
    }
  }
}

/** The same without the difference of Buffer and Uint8Array, and of undefined and absent. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, each]) => [key, plain(each)]))
}

t.test('what other programs have sent is understood, and written again as it was', async t => {
  for (const message of captured()) {
    const procedure = procedureOf(message)
    const codec = message.kind === 'call' ? procedure.args : procedure.result
    const from = bodyOf(message)
    const body = message.bytes.subarray(message.bytes.length - from.remaining)
    const value = codec.read(from)
    t.equal(from.remaining, 0, `${message.name} ${message.kind}: no byte remains`)
    const to = new XdrWriter()
    codec.write(to, value)
    const written = to.bytes()
    t.equal(written.toString('hex'), saturated(body, written).toString('hex'), `${message.name} ${message.kind}`)
  }
})

/** What was captured, but with 64-bit numbers above 2^53 as they are read: Ganesha's cookies are such numbers. */
function saturated(body: Buffer, written: Buffer): Buffer {
  const expected = Buffer.from(body)
  for (let at = 0; at + 8 <= body.length; at += 4) {
    const isSaturated = written.readUInt32BE(at) === 0x1f_ffff && written.readUInt32BE(at + 4) === 0xffff_ffff
    if (isSaturated && body.readUInt32BE(at) > 0x1f_ffff) written.copy(expected, at, at, at + 8)
  }
  return expected
}

t.test('captured messages say what was asked and answered', async t => {
  const decode = (name: string, kind: 'call' | 'reply') => {
    const message = captured().find(each => each.name === name && each.kind === kind)!
    const procedure = procedureOf(message)
    return (kind === 'call' ? procedure.args : procedure.result).read(bodyOf(message))
  }
  t.match(decode('nfs3-read', 'reply'), { status: 0, eof: true, data: Buffer.from('hello\n') })
  t.match(decode('nfs3-readlink', 'reply'), { status: 0, target: 'file.txt' })
  t.match(decode('nfs3-lookup-failed', 'reply'), { status: 2 })
  t.match(decode('nfs3-mknod', 'call'), { type: 7 })
  t.match(decode('nfs3-symlink', 'call'), { where: { name: 'sym' }, target: 'target/x' })
  t.match(decode('nfs3-rename', 'call'), { from: { name: 'created' }, to: { name: 'renamed' } })
  t.match(decode('nfs3-fsinfo', 'reply'), { status: 0, timeDelta: { seconds: 0, nseconds: 100 } })
  t.match(decode('portmap2-dump', 'reply'), [{ program: 100000, version: 4, protocol: 6, port: 111 }])
  t.match(decode('mount3-mnt', 'reply'), { status: 0, flavors: [1] })
})

t.test('truncated and altered messages are refused or understood, nothing else', async t => {
  const messages = captured()
  const tryAll = (message: Captured, bytes: Buffer) => {
    const altered = { ...message, bytes }
    const procedure = procedureOf(message)
    try {
      ;(message.kind === 'call' ? procedure.args : procedure.result).read(bodyOf(altered))
    } catch (error) {
      if (!(error instanceof XdrError)) throw error
    }
  }
  for (const message of messages) {
    for (let length = 0; length < message.bytes.length; length += 4) tryAll(message, message.bytes.subarray(0, length))
  }
  fc.assert(
    fc.property(
      fc.constantFrom(...messages),
      fc.array(fc.tuple(fc.nat(1500), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (message, changes) => {
        const bytes = Buffer.from(message.bytes)
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        tryAll(message, bytes)
      },
    ),
    { numRuns: 3000 },
  )
  t.pass('nothing else')
})

t.test('lengths that announce more than there is are refused before anything is made of them', async t => {
  const bomb = Buffer.alloc(64, 0xff)
  const afterOk = Buffer.concat([Buffer.alloc(4), bomb])
  for (const program of Object.values(programs)) {
    for (const [name, { args, result }] of Object.entries(program.procedures)) {
      for (const codec of [args, result]) {
        if (codec === nothing) continue
        const from = new XdrReader(codec === result ? afterOk : bomb)
        const readOn = () => {
          for (;;) codec.read(from)
        }
        t.throws(readOn, XdrError, `${program.name} ${name}`)
      }
    }
  }
})
