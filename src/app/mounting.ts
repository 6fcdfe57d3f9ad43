import { networkInterfaces } from 'node:os'

/** How clients mount this server: the same options everywhere, written for each kind of client. */
export interface MountTarget {
  /** Address that the client reaches the server by. */
  readonly host: string
  readonly port: number
  /** Exported path: `/` or a library such as `/Movies`. */
  readonly path: string
}

/**
 * What a Linux client needs to mount without asking a port mapper and without locking: version, protocol and both ports.
 * `hard` (the default) makes a film wait while the server restarts, instead of failing.
 */
export function mountOptions(port: number): readonly string[] {
  return ['nfsvers=3', 'proto=tcp', `port=${port}`, `mountport=${port}`, 'nolock', 'ro', 'hard']
}

/** The command that a person types, as root. */
export function mountCommand({ host, port, path }: MountTarget, directory: string): string {
  return `mount -t nfs -o ${mountOptions(port).join(',')} ${bracketed(host)}:${path} ${directory}`
}

/** The line for /etc/fstab; spaces in a path are written as fstab wants them. */
export function fstabLine({ host, port, path }: MountTarget, directory: string): string {
  const options = [...mountOptions(port), 'nofail', '_netdev'].join(',')
  return `${bracketed(host)}:${path.replaceAll(' ', '\\040')} ${directory} nfs ${options} 0 0`
}

/**
 * A PersistentVolume and a claim for it, as YAML. `noresvport`: each connection is made from a new port. From its old one, as it
 * would be, a node may go on sending to the address of a pod that is gone, for as long as it remembers the connection.
 */
export function kubernetesVolume({ host, port, path }: MountTarget): string {
  const options = [...mountOptions(port), 'noresvport', 'nconnect=4'].map(option => `    - ${option}`)
  return [
    'apiVersion: v1',
    'kind: PersistentVolume',
    'metadata:',
    '  name: reelport',
    'spec:',
    '  capacity: { storage: 1Ti } # required by Kubernetes, without meaning here',
    '  accessModes: [ReadOnlyMany]',
    '  persistentVolumeReclaimPolicy: Retain',
    '  storageClassName: ""',
    '  mountOptions:',
    ...options,
    '  nfs:',
    `    server: ${JSON.stringify(host)} # an address that the nodes reach; names are resolved on the node`,
    `    path: ${JSON.stringify(path)}`,
    '    readOnly: true',
    '---',
    'apiVersion: v1',
    'kind: PersistentVolumeClaim',
    'metadata:',
    '  name: reelport',
    'spec:',
    '  accessModes: [ReadOnlyMany]',
    '  storageClassName: ""',
    '  volumeName: reelport',
    '  resources: { requests: { storage: 1Ti } }',
    '',
  ].join('\n')
}

/**
 * Addresses by which clients reach a server that listens on `host`: for this machine and, where there is one, for others.
 * The loopback address listens for this machine only.
 */
export function reachableBy(host: string): { readonly here: string; readonly elsewhere: string | undefined } {
  if (host !== '0.0.0.0' && host !== '::') return { here: host, elsewhere: isLoopback(host) ? undefined : host }
  const others = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? [])
  const lan = others.find(({ family, internal }) => family === 'IPv4' && !internal)
  return { here: '127.0.0.1', elsewhere: lan?.address }
}

const isLoopback = (host: string) => host === '::1' || host === 'localhost' || host.startsWith('127.')

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)
