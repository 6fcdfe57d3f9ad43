import {
  AuthFlavor,
  type Call,
  type MntResult,
  type MountEntry,
  mount1,
  mount2,
  mount3,
  RpcRefusal,
  type Served,
  serve,
} from '@nfs/protocol-rpc'
import { LRUCache } from 'lru-cache'
import type { Exports } from './exports.ts'

/** Mounts remembered, for `showmount` and the status page only: clients come and go without a word. */
const maxRememberedMounts = 1024
/** AUTH_SYS first: Linux takes the first flavour that it can use, and with AUTH_NONE it would send no user. */
const flavors = [AuthFlavor.SYS, AuthFlavor.NONE]

/** The MOUNT protocol, and who has used it. */
export class MountService {
  readonly #exports: Exports
  readonly #groups: readonly string[]
  readonly #mounts = new LRUCache<string, MountEntry>({ max: maxRememberedMounts })

  /** `groups`: who may mount, as shown to clients that ask; nobody named is everybody. */
  constructor(exports: Exports, groups: readonly string[]) {
    this.#exports = exports
    this.#groups = groups
  }

  /** Version 3, and what versions 1 and 2 have in common with it. */
  readonly services: readonly Served[] = [
    serve(mount3, { ...this.#common(), MNT: (path, call) => this.#mount(path, call) }),
    serve(mount2, { ...this.#common(), MNT: refuseHandlesOfVersion2 }),
    serve(mount1, { ...this.#common(), MNT: refuseHandlesOfVersion2 }),
  ]

  /** The export that an address has mounted last, as far as is remembered. */
  mountedBy(address: string): string | undefined {
    for (const { host, directory } of this.#mounts.values()) if (host === address) return directory
    return undefined
  }

  #mount(path: string, { peer }: Call): MntResult {
    const node = this.#exports.mountable(path)
    if (typeof node === 'number') return { status: node }
    const entry = { host: peer.address, directory: path }
    this.#mounts.set(keyOf(entry), entry)
    return { status: 0, handle: node.handle, flavors }
  }

  #common() {
    return {
      NULL: () => undefined,
      DUMP: () => [...this.#mounts.values()],
      UMNT: (directory: string, { peer }: Call) => void this.#mounts.delete(keyOf({ host: peer.address, directory })),
      UMNTALL: (_: unknown, { peer }: Call) => {
        for (const [key, { host }] of this.#mounts) if (host === peer.address) this.#mounts.delete(key)
      },
      EXPORT: () => this.#exports.paths.map(directory => ({ directory, groups: this.#groups })),
    }
  }
}

function keyOf({ host, directory }: MountEntry): string {
  return `${host} ${directory}`
}

/** MNT of versions 1 and 2 gives handles of NFSv2, which is not served. */
function refuseHandlesOfVersion2(): never {
  throw new RpcRefusal({ reason: 'PROG_MISMATCH', low: 3, high: 3 })
}
