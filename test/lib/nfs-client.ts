import {
  connectRpc,
  type Fattr3,
  type FileHandle,
  Ftype3,
  Mountstat3,
  mount3,
  Nfsstat3,
  nfs3,
  type ProgramClient,
  type RpcClientOptions,
} from '@nfs/protocol-rpc'

/** A file or directory as a client sees it. */
export interface Seen {
  /** From the root: `/Movies/…`. */
  readonly path: string
  readonly handle: FileHandle
  readonly attributes: Fattr3
}

/** A status other than OK, by its name. */
export class NfsFailure extends Error {
  override name = 'NfsFailure'
  readonly status: string

  constructor(call: string, status: number) {
    const name = Object.entries(Nfsstat3).find(([, value]) => value === status)?.[0] ?? String(status)
    super(`${call}: ${name}`)
    this.status = name
  }
}

/** An NFS client without any memory of its own: each question goes over the wire. */
export interface NfsClient extends AsyncDisposable {
  readonly nfs: ProgramClient<typeof nfs3>
  readonly root: FileHandle
  /** Everything below a directory, the root when none is named, by READDIRPLUS in small pages. */
  walk(from?: { readonly path: string; readonly handle: FileHandle }): Promise<readonly Seen[]>
  attributes(handle: FileHandle): Promise<Fattr3>
  /** By LOOKUP, name by name. */
  find(path: string): Promise<Seen>
  /** Exactly these bytes; asks again after JUKEBOX. @throws NfsFailure for any other status. */
  read(handle: FileHandle, offset: number, length: number): Promise<Buffer>
}

/** The rtmax of our server, and the most that one READ of `read` asks for. */
const readBytes = 1024 * 1024
/** Small, so that every directory takes several pages. */
const pageBytes = 1024
/** Shorter than a kernel's 5 s: a test does not have that much patience. */
const askAgainMs = 50
const zero = new Uint8Array(8)

/** Mounts the root of the server on a port of the loopback. */
export async function connectNfs(port: number, options: RpcClientOptions = {}): Promise<NfsClient> {
  const client = await connectRpc({ host: '127.0.0.1', port, ...options })
  const nfs = client.program(nfs3)
  const mounted = await client.program(mount3).MNT('/')
  if (mounted.status !== Mountstat3.OK) throw new Error(`MNT: status ${mounted.status}`)

  const root = mounted.handle

  const attributes = async (object: FileHandle) => {
    const got = await nfs.GETATTR({ object })
    if (got.status !== Nfsstat3.OK) throw new NfsFailure('GETATTR', got.status)
    return got.attributes
  }

  async function walk(
    from: { path: string; handle: FileHandle } = { path: '', handle: root },
  ): Promise<readonly Seen[]> {
    const seen: Seen[] = []
    for (let cookie = 0; ; ) {
      const args = { dir: from.handle, cookie, cookieverf: zero, dircount: pageBytes, maxcount: pageBytes }
      const page = await nfs.READDIRPLUS(args)
      if (page.status !== Nfsstat3.OK) throw new NfsFailure(`READDIRPLUS ${from.path}`, page.status)
      for (const { name, handle, attributes } of page.entries) {
        if (name === '.' || name === '..') continue
        seen.push({ path: `${from.path}/${name}`, handle: Buffer.from(handle!), attributes: attributes! })
      }
      if (page.eof) break
      cookie = page.entries.at(-1)!.cookie
    }
    const below = seen.filter(({ attributes }) => attributes.type === Ftype3.DIR)
    for (const directory of below) seen.push(...(await walk(directory)))
    return seen
  }

  return {
    nfs,
    root,
    attributes,
    walk,
    async find(path) {
      let handle = root
      for (const name of path.split('/').filter(Boolean)) {
        const found = await nfs.LOOKUP({ dir: handle, name })
        if (found.status !== Nfsstat3.OK) throw new NfsFailure(`LOOKUP ${name} of ${path}`, found.status)
        handle = Buffer.from(found.object)
      }
      return { path, handle, attributes: await attributes(handle) }
    },
    async read(handle, offset, length) {
      const parts: Buffer[] = []
      for (let at = offset; at < offset + length; ) {
        const got = await nfs.READ({ file: handle, offset: at, count: Math.min(readBytes, offset + length - at) })
        if (got.status === Nfsstat3.JUKEBOX) {
          await new Promise(resolve => setTimeout(resolve, askAgainMs))
          continue
        }
        if (got.status !== Nfsstat3.OK) throw new NfsFailure(`READ at ${at}`, got.status)
        if (got.data.length === 0)
          throw new Error(`READ at ${at} gave nothing, ${offset + length - at} bytes too early`)
        parts.push(Buffer.from(got.data))
        at += got.data.length
      }
      return Buffer.concat(parts)
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Only files. */
export const files = (seen: readonly Seen[]): readonly Seen[] =>
  seen.filter(({ attributes }) => attributes.type === Ftype3.REG)

/** Only files that hold films and episodes: not those that lie beside them. */
export const titleFiles = (seen: readonly Seen[]): readonly Seen[] =>
  files(seen).filter(({ path }) => !/\/\.plexmatch$|\.(?:nfo|jpg|srt)$/.test(path))
