import { connectRpc, type FileHandle, Nfsstat3, nfs3, type ProgramClient } from '@nfs/protocol-rpc'
import { lookUp } from './look-up.ts'

/** What a program that looks into every file reads of each: its beginning and its end. */
const edgeBytes = 64 * 1024
const pageBytes = 64 * 1024
/** Below the calls that a connection may have under way. */
const filesPerConnection = 64
/** A program's retry after JUKEBOX. */
const askAgainMs = 100
const zero = new Uint8Array(8)

export interface ScanOptions {
  readonly port: number
  /** From the root: one folder for each title. */
  readonly library: string
  /** Titles at once. */
  readonly inFlight: number
}

export interface Scanned {
  readonly titles: number
  /** Reads that were answered with an error. */
  readonly failures: number
  readonly bytes: number
  /** Milliseconds. */
  readonly took: number
}

/** Opens every file of a library: LOOKUP, GETATTR, its first 64 KiB and its last. */
export async function scan({ port, library, inFlight }: ScanOptions, onTitle: () => void = () => {}): Promise<Scanned> {
  await using stack = new AsyncDisposableStack()
  const began = performance.now()
  const lister = stack.use(await connectRpc({ host: '127.0.0.1', port }))
  const root = await lookUp(lister, library)
  const folders = foldersOf(lister.program(nfs3), root)
  const found = { titles: 0, failures: 0, bytes: 0 }
  const work = async (nfs: Nfs) => {
    for await (const folder of folders) {
      for (const part of await openFiles(nfs, root, folder)) {
        if (part === undefined) found.failures++
        else found.bytes += part
      }
      found.titles++
      onTitle()
    }
  }
  const working: Promise<void>[] = []
  for (let at = 0; at < inFlight; at += filesPerConnection) {
    const client = stack.use(await connectRpc({ host: '127.0.0.1', port }))
    const nfs = client.program(nfs3)
    working.push(...Array.from({ length: Math.min(filesPerConnection, inFlight - at) }, () => work(nfs)))
  }
  await Promise.all(working)
  return { ...found, took: performance.now() - began }
}

type Nfs = ProgramClient<typeof nfs3>

async function* foldersOf(nfs: Nfs, dir: FileHandle): AsyncGenerator<string, void> {
  for (let cookie = 0; ; ) {
    const page = await nfs.READDIR({ dir, cookie, cookieverf: zero, count: pageBytes })
    if (page.status !== Nfsstat3.OK) throw new Error(`READDIR: status ${page.status}`)
    for (const { name } of page.entries) if (name !== '.' && name !== '..') yield name
    if (page.eof) return
    cookie = page.entries.at(-1)!.cookie
  }
}

/** Bytes of both ends of each file of a folder; undefined for one that cannot be read. */
async function openFiles(nfs: Nfs, root: FileHandle, folder: string): Promise<(number | undefined)[]> {
  const dir = await objectIn(nfs, root, folder)
  const page = await nfs.READDIR({ dir, cookie: 0, cookieverf: zero, count: pageBytes })
  if (page.status !== Nfsstat3.OK) throw new Error(`READDIR of ${folder}: status ${page.status}`)
  const parts: (number | undefined)[] = []
  for (const { name } of page.entries.filter(({ name }) => name !== '.' && name !== '..')) {
    const file = await objectIn(nfs, dir, name)
    const got = await nfs.GETATTR({ object: file })
    if (got.status !== Nfsstat3.OK) throw new Error(`GETATTR of ${name}: status ${got.status}`)
    const { size } = got.attributes
    parts.push(await bytesAt(nfs, file, 0), await bytesAt(nfs, file, Math.max(0, size - edgeBytes)))
  }
  return parts
}

async function objectIn(nfs: Nfs, dir: FileHandle, name: string): Promise<FileHandle> {
  const found = await nfs.LOOKUP({ dir, name })
  if (found.status !== Nfsstat3.OK) throw new Error(`LOOKUP of ${name}: status ${found.status}`)
  return Buffer.from(found.object)
}

async function bytesAt(nfs: Nfs, file: FileHandle, offset: number): Promise<number | undefined> {
  for (;;) {
    const answer = await nfs.READ({ file, offset, count: edgeBytes })
    if (answer.status === Nfsstat3.OK) return answer.data.length
    if (answer.status !== Nfsstat3.JUKEBOX) return undefined
    await new Promise(resolve => setTimeout(resolve, askAgainMs))
  }
}
