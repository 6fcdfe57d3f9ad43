/** MOUNT (RFC 1813 appendix I; version 1: RFC 1094 appendix A). */
import { array, type Codec, list, nothing, text } from './codec.ts'
import { type FileHandle, handle } from './nfs3.ts'
import type { Procedure } from './rpc-program.ts'

export const maxMountPathBytes = 1024
const maxHostNameBytes = 255
/** Most mounts, exports or groups of one reply that are decoded. */
const maxListed = 65_536

export const Mountstat3 = {
  OK: 0,
  PERM: 1,
  NOENT: 2,
  IO: 5,
  ACCES: 13,
  NOTDIR: 20,
  INVAL: 22,
  NAMETOOLONG: 63,
  NOTSUPP: 10004,
  SERVERFAULT: 10006,
} as const
export type Mountstat3 = (typeof Mountstat3)[keyof typeof Mountstat3]

const dirpath = text(maxMountPathBytes)
const hostName = text(maxHostNameBytes)

/** One mount that the server remembers. */
export interface MountEntry {
  readonly host: string
  readonly directory: string
}
const mountEntry: Codec<MountEntry> = {
  read: from => ({ host: hostName.read(from), directory: dirpath.read(from) }),
  write(to, { host, directory }) {
    hostName.write(to, host)
    dirpath.write(to, directory)
  },
}

/** One exported directory and who may mount it: nobody named means everybody. */
export interface ExportEntry {
  readonly directory: string
  readonly groups: readonly string[]
}
const groups = list(hostName, maxListed)
const exportEntry: Codec<ExportEntry> = {
  read: from => ({ directory: dirpath.read(from), groups: groups.read(from) }),
  write(to, { directory, groups: names }) {
    dirpath.write(to, directory)
    groups.write(to, names)
  },
}

export type MntResult =
  | { readonly status: 0; readonly handle: FileHandle; readonly flavors: readonly number[] }
  | { readonly status: Exclude<Mountstat3, 0> }
const flavors = array<number, number>({ read: from => from.u32(), write: (to, value) => void to.u32(value) }, 64)
const mntResult: Codec<MntResult> = {
  read(from) {
    const status = from.u32() as Mountstat3
    return status === 0 ? { status, handle: handle.read(from), flavors: flavors.read(from) } : { status }
  },
  write(to, result) {
    to.u32(result.status)
    if (result.status !== 0) return
    handle.write(to, result.handle)
    flavors.write(to, result.flavors)
  },
}

const NULL: Procedure<void, void> = { number: 0, args: nothing, result: nothing }
const MNT: Procedure<string, MntResult> = {
  number: 1,
  args: dirpath,
  result: mntResult,
  statusOf: ({ status }) => status,
}
const DUMP: Procedure<void, readonly MountEntry[]> = { number: 2, args: nothing, result: list(mountEntry, maxListed) }
const UMNT: Procedure<string, void> = { number: 3, args: dirpath, result: nothing }
const UMNTALL: Procedure<void, void> = { number: 4, args: nothing, result: nothing }
const EXPORT: Procedure<void, readonly ExportEntry[]> = {
  number: 5,
  args: nothing,
  result: list(exportEntry, maxListed),
}

/** MOUNT version 3. */
export const mount3 = {
  name: 'MOUNT',
  number: 100005,
  version: 3,
  procedures: { NULL, MNT, DUMP, UMNT, UMNTALL, EXPORT },
} as const

/** MOUNT version 2, of which clients still use what it shares with version 3. Its MNT gives handles of NFSv2. */
export const mount2 = { ...mount3, version: 2, procedures: mountBefore3() } as const

/** MOUNT version 1: as version 2. */
export const mount1 = { ...mount3, version: 1, procedures: mountBefore3() } as const

function mountBefore3() {
  // The result of version 1 and 2 is never written: servers here refuse the call.
  const mnt: Procedure<string, void> = { number: 1, args: dirpath, result: nothing }
  return { NULL, MNT: mnt, DUMP, UMNT, UMNTALL, EXPORT }
}
