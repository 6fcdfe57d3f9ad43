import { networkInterfaces } from 'node:os'

/** What was to listen where, and which settings decide it: `section` is `nfs` or `http`, as in the configuration. */
export interface Listening {
  /** For people, such as `The NFS server`. */
  readonly what: string
  readonly host: string
  readonly port: number
  readonly section: string
}

/** A server could not listen. The message says what to do about it. */
export class ListenError extends Error {
  override name = 'ListenError'
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Explains why listening failed. An error that has nothing to do with the address comes back as it is. */
export function listenError(error: unknown, { what, host, port, section }: Listening): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const portSetting = settingNames(section, 'port')
  const hostSetting = settingNames(section, 'host')
  const why: Record<string, string> = {
    EADDRINUSE:
      `another program listens on port ${port}. Stop it ("ss -ltnp 'sport = :${port}'" names it), ` +
      `or choose another port with ${portSetting}`,
    EACCES:
      `this user may not open port ${port}. Choose a port of 1024 or above with ${portSetting}, or allow it: ` +
      'CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=, Docker: --cap-add), or the sysctl ' +
      `net.ipv4.ip_unprivileged_port_start=${port}`,
    EADDRNOTAVAIL: `this machine does not have that address; it has ${ownAddresses().join(', ')}. Set ${hostSetting}`,
    EAFNOSUPPORT: `this machine does not speak that kind of address; it has ${ownAddresses().join(', ')}. Set ${hostSetting}`,
    ENOTFOUND: `no address is known for that name. Set ${hostSetting} to an address of this machine`,
    EAI_AGAIN: `the name could not be looked up. Set ${hostSetting} to an address of this machine`,
    EINVAL: `that is no address to listen on. Set ${hostSetting} to an address of this machine`,
  }
  const reason = why[code]
  if (reason === undefined) return error
  const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return new ListenError(code, `${what} cannot listen on ${place}: ${reason}`, { cause: error })
}

function settingNames(section: string, key: string): string {
  return `${section}.${key} (--${section}-${key}, REELPORT_${section.toUpperCase()}_${key.toUpperCase()})`
}

function ownAddresses(): string[] {
  const own = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  return [...new Set(['0.0.0.0', ...own.map(({ address }) => address)])]
}
