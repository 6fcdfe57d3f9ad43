import {
  BufferPool,
  Encoded,
  type Entry3,
  type Entryplus3,
  entry3,
  entryplus3,
  paddingOf,
  XdrWriter,
} from '@nfs/protocol-rpc'
import type { FileId } from './file-tree.ts'
import type { CachedPage, Node, Nodes } from './nodes.ts'

/** Cookies of the entries that every directory has; the others' is their id. 0 is the beginning. */
const dotCookie = 1
const dotDotCookie = 2
/** Longest page, in bytes: what is asked for beyond it comes with the next one, so that no page holds up the others. */
const maxPageBytes = 128 * 1024
/** Bytes of a page beside its entries: attributes, verifier, end of the list, eof. */
const pageOverheadBytes = 88 + 8 + 4 + 4
/** Bytes of an entry beside its name: that it follows, fileid, length of the name, cookie. */
const entryBytes = 4 + 8 + 4 + 8
/** Bytes that READDIRPLUS adds to an entry: attributes, handle. */
const plusBytes = 88 + 4 + 4 + 24
/** Entries asked of the tree at a time. */
const listLimit = 256
const noEntryFollows = new Uint8Array(4)
/** What pages are written into before their length is known. */
const buffers = new BufferPool({ sizes: [4 * 1024, 64 * 1024, 512 * 1024], keepBytes: 1024 * 1024 })

export interface PageRequest {
  /** Cookie of the last entry that the client has; any number is one. */
  readonly cookie: number
  /** Most bytes of the result behind its status. */
  readonly maxBytes: number
  /** Most bytes of fileids, names and cookies: READDIRPLUS's dircount. */
  readonly maxNameBytes: number
  /** With attributes and handles. */
  readonly plus: boolean
}

export interface Page {
  readonly entries: Encoded<readonly Entry3[]> & Encoded<readonly Entryplus3[]>
  readonly eof: boolean
}

/**
 * Part of a directory: as many entries behind the cookie as fit. It ends at the end of the directory, and then says so, or
 * at the entry that did not fit. Undefined when not even one fits. `above` tells what `..` is.
 *
 * A cookie is the id of an entry and entries come in the order of ids, so a listing goes on at the right place whatever
 * was added or removed meanwhile, and READDIR and READDIRPLUS may be mixed within one.
 */
export function readdirPage(
  nodes: Nodes,
  directory: Node,
  above: (directory: Node) => Node,
  request: PageRequest,
): Page | undefined {
  const { cookie, maxNameBytes, plus } = request
  const maxBytes = Math.min(request.maxBytes, maxPageBytes)
  let page = nodes.keptPage(directory, cookie, plus)
  if (page?.maxBytes !== maxBytes || page.maxNameBytes !== maxNameBytes) {
    page = makePage(nodes, directory, above, { cookie, maxBytes, maxNameBytes, plus })
    nodes.keepPage(directory, cookie, plus, page)
  }
  if (page.bytes.length === noEntryFollows.length && !page.eof) return undefined
  return { entries: new Encoded(page.bytes), eof: page.eof }
}

function makePage(nodes: Nodes, directory: Node, above: (directory: Node) => Node, request: PageRequest): CachedPage {
  const { cookie, maxBytes, maxNameBytes, plus } = request
  const page = new PageWriter(request)
  const finish = (eof: boolean): CachedPage => ({ bytes: page.finish(), eof, maxBytes, maxNameBytes })
  const add = (name: string, ofCookie: number, { id, attributes, handle }: Node) =>
    page.add({ fileid: id, name, cookie: ofCookie, attributes, handle })

  if (cookie < dotCookie && !add('.', dotCookie, directory)) return finish(false)
  if (cookie < dotDotCookie && !add('..', dotDotCookie, above(directory))) return finish(false)
  for (let after: FileId = Math.max(cookie, dotDotCookie); ; ) {
    const entries = nodes.list(directory, after, listLimit)
    for (const entry of entries) {
      const added = plus
        ? add(entry.name, entry.id, nodes.listed(entry))
        : page.add({ fileid: entry.id, name: entry.name, cookie: entry.id })
      if (!added) return finish(false)
      after = entry.id
    }
    if (entries.length < listLimit) return finish(true)
  }
}

/** Entries, as long as they fit. */
class PageWriter {
  readonly #to = new XdrWriter(buffers)
  readonly #codec
  readonly #overhead: number
  #bytesLeft: number
  #nameBytesLeft: number

  constructor({ plus, maxBytes, maxNameBytes }: PageRequest) {
    this.#codec = plus ? entryplus3 : entry3
    this.#overhead = plus ? entryBytes + plusBytes : entryBytes
    this.#bytesLeft = maxBytes - pageOverheadBytes
    this.#nameBytesLeft = maxNameBytes
  }

  /** Says whether the entry fits; one that does not is left out. */
  add(entry: Entryplus3): boolean {
    const length = Buffer.byteLength(entry.name)
    const name = length + paddingOf(length)
    this.#bytesLeft -= this.#overhead + name
    this.#nameBytesLeft -= entryBytes - 4 + name
    if (this.#bytesLeft < 0 || this.#nameBytesLeft < 0) return false
    this.#codec.write(this.#to.bool(true), entry)
    return true
  }

  finish(): Uint8Array {
    return this.#to.fixed(noEntryFollows).bytes()
  }
}
