/** READDIR and READDIRPLUS (RFC 1813 sections 3.3.16 and 3.3.17). */
import { type Codec, type Encoded, list, preencodable } from './codec.ts'
import { type Fattr3, type FileHandle, handle, maxNameBytes, postOpAttributes, postOpHandle, verifier } from './nfs3.ts'

/** Most entries of one page that are decoded. */
const maxEntries = 65_536

export interface ReaddirArgs {
  readonly dir: FileHandle
  readonly cookie: number
  readonly cookieverf: Uint8Array
  /** Most bytes of the result behind its status. */
  readonly count: number
}
export const readdirArgs: Codec<ReaddirArgs> = {
  read: from => ({ dir: handle.read(from), cookie: from.u64(), cookieverf: verifier.read(from), count: from.u32() }),
  write(to, { dir, cookie, cookieverf, count }) {
    handle.write(to, dir)
    verifier.write(to.u64(cookie), cookieverf)
    to.u32(count)
  },
}

export interface ReaddirplusArgs {
  readonly dir: FileHandle
  readonly cookie: number
  readonly cookieverf: Uint8Array
  /** Most bytes of names, fileids and cookies. */
  readonly dircount: number
  /** Most bytes of the result behind its status. */
  readonly maxcount: number
}
export const readdirplusArgs: Codec<ReaddirplusArgs> = {
  read: from => ({
    dir: handle.read(from),
    cookie: from.u64(),
    cookieverf: verifier.read(from),
    dircount: from.u32(),
    maxcount: from.u32(),
  }),
  write(to, { dir, cookie, cookieverf, dircount, maxcount }) {
    handle.write(to, dir)
    verifier.write(to.u64(cookie), cookieverf)
    to.u32(dircount).u32(maxcount)
  },
}

export interface Entry3 {
  readonly fileid: number
  readonly name: string
  readonly cookie: number
}
/** An entry without what tells whether it follows. */
export const entry3: Codec<Entry3> = {
  read: from => ({ fileid: from.u64(), name: from.string(maxNameBytes), cookie: from.u64() }),
  write: (to, { fileid, name, cookie }) => void to.u64(fileid).string(name).u64(cookie),
}

export interface Entryplus3 extends Entry3 {
  readonly attributes?: Fattr3 | undefined
  readonly handle?: FileHandle | undefined
}
/** An entry without what tells whether it follows. */
export const entryplus3: Codec<Entryplus3> = {
  read: from => ({
    fileid: from.u64(),
    name: from.string(maxNameBytes),
    cookie: from.u64(),
    attributes: postOpAttributes.read(from),
    handle: postOpHandle.read(from),
  }),
  write(to, { fileid, name, cookie, attributes, handle }) {
    to.u64(fileid).string(name).u64(cookie)
    postOpAttributes.write(to, attributes)
    postOpHandle.write(to, handle)
  },
}

export interface DirectoryPage<Entries> {
  readonly attributes?: Fattr3 | undefined
  readonly cookieverf: Uint8Array
  readonly entries: Entries
  /** No entry follows the last one of this page. */
  readonly eof: boolean
}
type Listed<Entry> = readonly Entry[]

function page<Entry>(
  entry: Codec<Entry>,
): Codec<DirectoryPage<Listed<Entry>>, DirectoryPage<Listed<Entry> | Encoded<Listed<Entry>>>> {
  const entries = preencodable(list(entry, maxEntries))
  return {
    read: from => ({
      attributes: postOpAttributes.read(from),
      cookieverf: verifier.read(from),
      entries: entries.read(from),
      eof: from.bool(),
    }),
    write(to, { attributes, cookieverf, entries: some, eof }) {
      postOpAttributes.write(to, attributes)
      verifier.write(to, cookieverf)
      entries.write(to, some)
      to.bool(eof)
    },
  }
}

export const readdirOk = page(entry3)
export const readdirplusOk = page(entryplus3)
