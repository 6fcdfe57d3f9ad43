import {
  connectRpc,
  type DirectoryPage,
  type Entryplus3,
  type Fattr3,
  type FileHandle,
  Ftype3,
  Mountstat3,
  mount3,
  Nfsstat3,
  nfs3,
} from '@nfs/protocol-rpc'
import { reachableBy } from '../app/index.ts'
import type { CommandContext } from './command.ts'
import { loadFor } from './configuration.ts'
import { CommandError, exitCode } from './exit-code.ts'
import { requireServer } from './running-server.ts'

/** What one READ of `cat` asks for. */
const readBytes = 1024 * 1024
/** READs of `cat` under way at once. */
const readsAhead = 4
/** What a client waits before it asks again for data that is not ready (JUKEBOX), as the Linux kernel does. */
const askAgainMs = 5_000
const pageBytes = 256 * 1024
const zeroVerifier = new Uint8Array(8)

export interface Seen {
  readonly name: string
  readonly kind: 'directory' | 'file'
  readonly size: number
  readonly modifiedAt: number
  readonly id: number
}

/** The exported tree as any client sees it: over NFS. */
export interface NfsView extends AsyncDisposable {
  /** The entry at a path from the root; `/` for the root itself. */
  find(path: string): Promise<Seen & { readonly handle: FileHandle }>
  list(handle: FileHandle): AsyncIterable<Seen>
  /** The file's bytes from `offset` on, in order. */
  read(handle: FileHandle, offset?: number): AsyncIterable<Uint8Array>
}

/** @throws CommandError when nothing answers there, or it exports no root. */
export async function openNfsView(host: string, port: number, signal: AbortSignal): Promise<NfsView> {
  const client = await connectRpc({ host, port }).catch(error => {
    throw new CommandError(`No NFS server answers at ${host}:${port}`, exitCode.unavailable, { cause: error })
  })
  const nfs = client.program(nfs3)
  const mounted = await client.program(mount3).MNT('/', signal)
  if (mounted.status !== Mountstat3.OK)
    throw new CommandError(`${host}:${port} does not export /`, exitCode.unavailable)
  const root = mounted.handle

  async function attributesOf(object: FileHandle): Promise<Fattr3> {
    const got = await nfs.GETATTR({ object }, signal)
    if (got.status !== Nfsstat3.OK) throw failure('look at', 'it', got.status)
    return got.attributes
  }

  async function* pages(dir: FileHandle): AsyncIterable<DirectoryPage<readonly Entryplus3[]>> {
    for (let cookie = 0; ; ) {
      const args = { dir, cookie, cookieverf: zeroVerifier, dircount: pageBytes, maxcount: pageBytes }
      const page = await nfs.READDIRPLUS(args, signal)
      if (page.status !== Nfsstat3.OK) throw failure('list', 'the directory', page.status)
      yield page
      const last = page.entries.at(-1)
      if (page.eof || last === undefined) return
      cookie = last.cookie
    }
  }

  async function readAt(file: FileHandle, offset: number): Promise<{ data: Uint8Array; eof: boolean }> {
    for (;;) {
      const got = await nfs.READ({ file, offset, count: readBytes }, signal)
      if (got.status === Nfsstat3.OK) return got
      if (got.status !== Nfsstat3.JUKEBOX) throw failure('read', `at byte ${offset}`, got.status)
      await new Promise(resolve => setTimeout(resolve, askAgainMs))
      signal.throwIfAborted()
    }
  }

  return {
    async find(path) {
      const names = path.split('/').filter(name => name !== '')
      let handle = root
      for (const [depth, name] of names.entries()) {
        const found = await nfs.LOOKUP({ dir: handle, name }, signal)
        if (found.status !== Nfsstat3.OK) {
          throw failure('find', `/${names.slice(0, depth + 1).join('/')}`, found.status)
        }
        handle = found.object
      }
      return { handle, ...seen(names.at(-1) ?? '/', await attributesOf(handle)) }
    },
    async *list(handle) {
      for await (const { entries } of pages(handle)) {
        for (const { name, attributes } of entries) {
          if (name !== '.' && name !== '..' && attributes !== undefined) yield seen(name, attributes)
        }
      }
    },
    async *read(handle, offset = 0) {
      const { size } = await attributesOf(handle)
      const ahead: Promise<{ data: Uint8Array }>[] = []
      let next = offset
      for (let at = offset; at < size; ) {
        while (ahead.length < readsAhead && next < size) {
          const read = readAt(handle, next)
          read.catch(() => {}) // the loop below throws it when its turn comes
          ahead.push(read)
          next += readBytes
        }
        const { data } = await ahead.shift()!
        yield data
        at += data.length
        if (data.length < readBytes && at < size)
          throw new CommandError(`The server sent ${data.length} bytes too few at ${at}`)
      }
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

function seen(name: string, { type, size, fileid, mtime }: Fattr3): Seen {
  const kind = type === Ftype3.DIR ? 'directory' : 'file'
  return { name, kind, size, id: fileid, modifiedAt: mtime.seconds * 1000 + Math.floor(mtime.nseconds / 1e6) }
}

function failure(verb: string, what: string, status: number): CommandError {
  const why = {
    [Nfsstat3.NOENT]: 'it does not exist',
    [Nfsstat3.NOTDIR]: 'a part of it is no directory',
    [Nfsstat3.ISDIR]: 'it is a directory',
    [Nfsstat3.STALE]: 'it is gone',
    [Nfsstat3.IO]: 'its provider cannot deliver it; "reelport status" says why',
  }[status]
  return new CommandError(`Cannot ${verb} ${what}: ${why ?? `NFS status ${status}`}`)
}

/** The tree of the server that runs on this machine, or of the one that `--nfs-host` and `--nfs-port` name. */
export async function viewFor(context: CommandContext): Promise<NfsView> {
  const { data, nfs } = loadFor(context)
  const named = context.flags['nfs-host'] !== undefined || context.flags['nfs-port'] !== undefined
  const server = named ? { nfsHost: nfs.host, nfsPort: nfs.port } : requireServer(data)
  return await openNfsView(reachableBy(server.nfsHost).here, server.nfsPort, context.signal)
}
