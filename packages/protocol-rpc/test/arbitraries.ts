import fc from 'fast-check'
import type {
  AnyProgram,
  Args,
  Fattr3,
  mount3,
  nfs3,
  ProcedureName,
  portmap2,
  Result,
  rpcbind4,
  Sattr3,
  WccData,
} from '../src/index.ts'

/** Any value of each procedure's arguments and results. The types see to it that none is left out. */
export type Arbitraries<P extends AnyProgram> = {
  readonly [Name in ProcedureName<P>]: {
    readonly args: fc.Arbitrary<Args<P, Name>>
    readonly result: fc.Arbitrary<Result<P, Name>>
  }
}

const u32 = fc.nat({ max: 0xffff_ffff })
const u64 = fc.maxSafeNat()
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map(array => Buffer.from(array))
const exactly = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(array => Buffer.from(array))
const text = fc.string({ unit: 'grapheme', maxLength: 30 })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const nothing = fc.constant(undefined)

const handle = bytes(64)
const time = fc.record({ seconds: u32, nseconds: u32 })
const pair = fc.tuple(u32, u32)
const type = fc.constantFrom(1, 2, 3, 4, 5, 6, 7)
const fattr3: fc.Arbitrary<Fattr3> = fc.record({
  type,
  mode: u32,
  nlink: u32,
  uid: u32,
  gid: u32,
  size: u64,
  used: u64,
  rdev: pair,
  fsid: pair,
  fileid: u64,
  atime: time,
  mtime: time,
  ctime: time,
})
const attributes = maybe(fattr3)
const wcc: fc.Arbitrary<WccData> = fc.record({
  before: maybe(fc.record({ size: u64, mtime: time, ctime: time })),
  after: attributes,
})
const setTime = fc.oneof(nothing, fc.constant('server' as const), time)
const sattr3: fc.Arbitrary<Sattr3> = fc.record({
  mode: maybe(u32),
  uid: maybe(u32),
  gid: maybe(u32),
  size: maybe(u64),
  atime: setTime,
  mtime: setTime,
})
const where = fc.record({ dir: handle, name: text })
const object = fc.record({ object: handle })
const entry = { fileid: u64, name: text, cookie: u64 }
const status = fc.constantFrom(1, 2, 5, 13, 20, 21, 30, 70, 10004, 10005, 10008)

/** The result of an NFS procedure: its body for OK, and the one for all else. */
function result3<Ok extends object, Failed extends object>(ok: Record<string, fc.Arbitrary<unknown>>, failed: object) {
  return fc.oneof(fc.record({ status: fc.constant(0), ...ok }), fc.record({ status, ...failed })) as fc.Arbitrary<
    // biome-ignore lint/suspicious/noExplicitAny: what it is, is checked by decoding it
    any
  > as fc.Arbitrary<({ readonly status: 0 } & Ok) & Failed>
}
const created = { object: maybe(handle), attributes, wcc }
const page = (of: fc.Arbitrary<unknown>) => ({
  attributes,
  cookieverf: exactly(8),
  entries: fc.array(of, { maxLength: 8 }),
  eof: fc.boolean(),
})

// biome-ignore lint/suspicious/noExplicitAny: see result3
export const nfs3Values: Record<ProcedureName<typeof nfs3>, { args: fc.Arbitrary<any>; result: fc.Arbitrary<any> }> = {
  NULL: { args: nothing, result: nothing },
  GETATTR: { args: object, result: result3({ attributes: fattr3 }, {}) },
  SETATTR: {
    args: fc.record({ object: handle, attributes: sattr3, guard: maybe(time) }),
    result: result3({ wcc }, { wcc }),
  },
  LOOKUP: {
    args: where,
    result: result3({ object: handle, attributes, dirAttributes: attributes }, { attributes }),
  },
  ACCESS: {
    args: fc.record({ object: handle, access: u32 }),
    result: result3({ attributes, access: u32 }, { attributes }),
  },
  READLINK: { args: object, result: result3({ attributes, target: text }, { attributes }) },
  READ: {
    args: fc.record({ file: handle, offset: u64, count: u32 }),
    result: result3({ attributes, eof: fc.boolean(), data: bytes(9000) }, { attributes }),
  },
  WRITE: {
    args: fc.record({ file: handle, offset: u64, stable: u32, data: bytes(9000) }),
    result: result3({ wcc, count: u32, committed: u32, verifier: exactly(8) }, { wcc }),
  },
  CREATE: {
    args: fc.record({
      where,
      how: fc.oneof(
        fc.record({ mode: fc.constantFrom('unchecked', 'guarded'), attributes: sattr3 }),
        fc.record({ mode: fc.constant('exclusive'), verifier: exactly(8) }),
      ),
    }),
    result: result3(created, { wcc }),
  },
  MKDIR: { args: fc.record({ where, attributes: sattr3 }), result: result3(created, { wcc }) },
  SYMLINK: { args: fc.record({ where, attributes: sattr3, target: text }), result: result3(created, { wcc }) },
  MKNOD: {
    args: fc.oneof(
      fc.record({ where, type: fc.constantFrom(3, 4), attributes: sattr3, device: pair }),
      fc.record({ where, type: fc.constantFrom(6, 7), attributes: sattr3, device: nothing }),
      fc.record({ where, type: fc.constantFrom(1, 2, 5), attributes: nothing, device: nothing }),
    ),
    result: result3(created, { wcc }),
  },
  REMOVE: { args: where, result: result3({ wcc }, { wcc }) },
  RMDIR: { args: where, result: result3({ wcc }, { wcc }) },
  RENAME: {
    args: fc.record({ from: where, to: where }),
    result: result3({ fromWcc: wcc, toWcc: wcc }, { fromWcc: wcc, toWcc: wcc }),
  },
  LINK: {
    args: fc.record({ file: handle, link: where }),
    result: result3({ attributes, dirWcc: wcc }, { attributes, dirWcc: wcc }),
  },
  READDIR: {
    args: fc.record({ dir: handle, cookie: u64, cookieverf: exactly(8), count: u32 }),
    result: result3(page(fc.record(entry)), { attributes }),
  },
  READDIRPLUS: {
    args: fc.record({ dir: handle, cookie: u64, cookieverf: exactly(8), dircount: u32, maxcount: u32 }),
    result: result3(page(fc.record({ ...entry, attributes, handle: maybe(handle) })), { attributes }),
  },
  FSSTAT: {
    args: object,
    result: result3(
      {
        attributes,
        totalBytes: u64,
        freeBytes: u64,
        availableBytes: u64,
        totalFiles: u64,
        freeFiles: u64,
        availableFiles: u64,
        invarsec: u32,
      },
      { attributes },
    ),
  },
  FSINFO: {
    args: object,
    result: result3(
      {
        attributes,
        rtmax: u32,
        rtpref: u32,
        rtmult: u32,
        wtmax: u32,
        wtpref: u32,
        wtmult: u32,
        dtpref: u32,
        maxFileSize: u64,
        timeDelta: time,
        properties: u32,
      },
      { attributes },
    ),
  },
  PATHCONF: {
    args: object,
    result: result3(
      {
        attributes,
        linkMax: u32,
        nameMax: u32,
        noTrunc: fc.boolean(),
        chownRestricted: fc.boolean(),
        caseInsensitive: fc.boolean(),
        casePreserving: fc.boolean(),
      },
      { attributes },
    ),
  },
  COMMIT: {
    args: fc.record({ file: handle, offset: u64, count: u32 }),
    result: result3({ wcc, verifier: exactly(8) }, { wcc }),
  },
}

const mounts = fc.array(fc.record({ host: text, directory: text }), { maxLength: 5 })
export const mount3Values: Arbitraries<typeof mount3> = {
  NULL: { args: nothing, result: nothing },
  MNT: {
    args: text,
    result: fc.oneof(
      fc.record({ status: fc.constant(0 as const), handle, flavors: fc.array(u32, { maxLength: 8 }) }),
      fc.record({ status: fc.constantFrom(2 as const, 13 as const, 20 as const) }),
    ),
  },
  DUMP: { args: nothing, result: mounts },
  UMNT: { args: text, result: nothing },
  UMNTALL: { args: nothing, result: nothing },
  EXPORT: {
    args: nothing,
    result: fc.array(fc.record({ directory: text, groups: fc.array(text, { maxLength: 3 }) }), { maxLength: 5 }),
  },
}

const mapping = fc.record({ program: u32, version: u32, protocol: u32, port: u32 })
export const portmap2Values: Arbitraries<typeof portmap2> = {
  NULL: { args: nothing, result: nothing },
  SET: { args: mapping, result: fc.boolean() },
  UNSET: { args: mapping, result: fc.boolean() },
  GETPORT: { args: mapping, result: u32 },
  DUMP: { args: nothing, result: fc.array(mapping, { maxLength: 5 }) },
}

const rpcb = fc.record({ program: u32, version: u32, netid: text, address: text, owner: text })
export const rpcbind4Values: Arbitraries<typeof rpcbind4> = {
  NULL: { args: nothing, result: nothing },
  SET: { args: rpcb, result: fc.boolean() },
  UNSET: { args: rpcb, result: fc.boolean() },
  GETADDR: { args: rpcb, result: text },
  DUMP: { args: nothing, result: fc.array(rpcb, { maxLength: 5 }) },
  GETVERSADDR: { args: rpcb, result: text },
}
