import { type Answer, type Args, type Call, Nfsstat3, type nfs3 } from '@nfs/protocol-rpc'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { FileTree } from './file-tree.ts'
import type { Node, Nodes } from './nodes.ts'
import { ReadBuffers } from './read-buffers.ts'
import { statusOf } from './status.ts'

/** Most bytes of one READ: what Linux asks for at most. */
export const maxReadBytes = 1024 * 1024
/** Memory for data on its way to clients, or waited for. What would exceed it waits before it is read. */
const readBudgetBytes = 256 * 1024 * 1024
const empty = Buffer.alloc(0)

type ReadAnswer = Answer<typeof nfs3, 'READ'>

export interface ReaderOptions {
  /** How long a READ may wait for its data before the client is told to ask again. */
  readonly holdMs: number
  readonly clock?: Clock | undefined
}

/** Answers READ: at once where the bytes are at hand, late where they come in time, else JUKEBOX. */
export class Reader {
  readonly #nodes: Nodes
  readonly #tree: FileTree
  readonly #holdMs: number
  readonly #clock: Clock
  readonly #buffers = new ReadBuffers(readBudgetBytes)
  #bytesRead = 0
  #held = 0
  #jukebox = 0

  constructor(nodes: Nodes, tree: FileTree, { holdMs, clock = systemClock }: ReaderOptions) {
    this.#nodes = nodes
    this.#tree = tree
    this.#holdMs = holdMs
    this.#clock = clock
  }

  /** Bytes sent in all, READs waiting now, and how many were told to ask again. */
  stats(): { readonly bytesRead: number; readonly held: number; readonly jukebox: number } {
    return { bytesRead: this.#bytesRead, held: this.#held, jukebox: this.#jukebox }
  }

  /** RFC 1813 section 3.3.6. A short answer is always the end of the file: clients take it for that. */
  read({ file, offset, count }: Args<typeof nfs3, 'READ'>, call: Call): ReadAnswer | Promise<ReadAnswer> {
    const node = this.#nodes.byHandle(file)
    if (node === undefined) return { status: Nfsstat3.STALE }
    if (node.isDirectory) return { status: Nfsstat3.ISDIR, attributes: node.attributes }
    const length = Math.max(0, Math.min(count, maxReadBytes, node.size - offset))
    if (length === 0) return { status: 0, attributes: node.attributes, eof: offset >= node.size, data: empty }

    const buffer = this.#buffers.acquire(length)
    if (buffer === undefined) return this.#hold(node, call, this.#readLater(node, offset, length, call.signal))
    const data = buffer.subarray(0, length)
    let work: undefined | Promise<void>
    try {
      work = this.#tree.read(node.id, data, offset, call.signal)
    } catch (error) {
      this.#buffers.release(buffer)
      return this.#failed(node, error, call.signal)
    }
    if (work === undefined) return this.#done(node, offset, data, buffer)
    return this.#hold(node, call, this.#finish(node, offset, data, buffer, work, call.signal))
  }

  /** As `read`, when there is memory for it again. */
  async #readLater(node: Node, offset: number, length: number, signal: AbortSignal): Promise<ReadAnswer> {
    let buffer: Buffer | undefined
    while (buffer === undefined) {
      await this.#buffers.available(signal)
      buffer = this.#buffers.acquire(length)
    }
    const data = buffer.subarray(0, length)
    const work = (async () => this.#tree.read(node.id, data, offset, signal))()
    return await this.#finish(node, offset, data, buffer, work, signal)
  }

  /** The buffer is given back when the tree has let go of it, which may be long after anybody wants the answer. */
  async #finish(
    node: Node,
    offset: number,
    data: Buffer,
    buffer: Buffer,
    work: Promise<void>,
    signal: AbortSignal,
  ): Promise<ReadAnswer> {
    try {
      await work
    } catch (error) {
      this.#buffers.release(buffer)
      return this.#failed(node, error, signal)
    }
    return this.#done(node, offset, data, buffer)
  }

  #done(node: Node, offset: number, data: Buffer, buffer: Buffer): ReadAnswer {
    this.#bytesRead += data.length
    const release = () => this.#buffers.release(buffer)
    return { status: 0, attributes: node.attributes, eof: offset + data.length >= node.size, data, release }
  }

  #failed(node: Node, error: unknown, { aborted }: AbortSignal): ReadAnswer {
    // Cancelled is not failed, whatever the tree throws then; and nobody gets this answer.
    const status = aborted ? Nfsstat3.JUKEBOX : statusOf(error)
    if (status === Nfsstat3.JUKEBOX && !aborted) this.#jukebox++
    return { status, attributes: node.attributes }
  }

  /** Waits for the answer as long as clients do so without complaint; then stops the work and says JUKEBOX. */
  async #hold(node: Node, call: Call, answer: Promise<ReadAnswer>): Promise<ReadAnswer> {
    const answered = new AbortController()
    const late = this.#clock.sleep(this.#holdMs, answered.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    this.#held++
    try {
      const first = await Promise.race([answer, late])
      if (first !== 'late') return first
      call.abort(new DOMException('Nobody waits for these bytes any more', 'AbortError'))
      // What comes after all is thrown away, but its buffer is not.
      answer.then(
        result => result.status === 0 && result.release?.(),
        () => {},
      )
      this.#jukebox++
      return { status: Nfsstat3.JUKEBOX, attributes: node.attributes }
    } finally {
      this.#held--
      answered.abort()
    }
  }
}
