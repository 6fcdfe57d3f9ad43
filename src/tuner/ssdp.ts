import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/log.ts'
import { deviceUuid } from './documents.ts'
import type { TunerDevice } from './ports.ts'

const group = '239.255.255.250'
const port = 1900
const maxAgeSeconds = 1_800
/** Announced again well before that. */
const announceMs = 600_000
/** Interfaces come and go. */
const joinMs = 30_000
const maxDelaySeconds = 5
const maxAnswersAtOnce = 64
const deviceTypes = ['urn:schemas-upnp-org:device:MediaServer:1', 'urn:schemas-upnp-org:device:Basic:1']

export interface SsdpDeps {
  devices(): readonly TunerDevice[]
  /** Where a client on the network of this address of ours reaches the device's `device.xml`. */
  location(device: TunerDevice, localAddress: string): string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Announces the devices by SSDP (UPnP Device Architecture 1.1, section 1): answers searches on every interface, and says hello
 * and goodbye. Resolves undefined, with a line in the log, when the port cannot be had.
 */
export async function startSsdp({ devices, location, clock, log }: SsdpDeps): Promise<AsyncDisposable | undefined> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  const end = new AbortController()
  const bootId = Math.trunc(clock.now() / 1000)
  const joined = new Set<string>()
  let answering = 0
  try {
    await bound(socket)
  } catch (error) {
    socket.close()
    log.warn({ reason: (error as Error).message }, 'SSDP is off: its port cannot be had')
    return undefined
  }
  socket.on('error', error => log.debug({ reason: error.message }, 'SSDP could not send'))
  socket.on('message', (message, { address, port: from }) => void answer(message.toString('latin1'), address, from))

  const send = (text: string, to: string, toPort: number) =>
    new Promise<void>(done => socket.send(text, toPort, to, () => done()))

  function headersOf(device: TunerDevice, type: string, localAddress: string): readonly string[] {
    const uuid = `uuid:${deviceUuid(device.deviceId)}`
    return [
      `CACHE-CONTROL: max-age=${maxAgeSeconds}`,
      `LOCATION: ${location(device, localAddress)}`,
      'SERVER: Linux/1.0 UPnP/1.1 reelport/1.0',
      `USN: ${type === uuid ? uuid : `${uuid}::${type}`}`,
      `BOOTID.UPNP.ORG: ${bootId}`,
      'CONFIGID.UPNP.ORG: 1',
    ]
  }

  const typesOf = ({ deviceId }: TunerDevice) => ['upnp:rootdevice', `uuid:${deviceUuid(deviceId)}`, ...deviceTypes]

  async function answer(text: string, to: string, toPort: number): Promise<void> {
    if (!/^M-SEARCH \* HTTP\/1\.1\r?\n/.test(text) || answering >= maxAnswersAtOnce) return
    const header = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(text)?.[1]
    const wanted = header('ST')
    if (header('MAN')?.replaceAll('"', '') !== 'ssdp:discover' || wanted === undefined) return
    const local = await localAddressTowards(to)
    const delaySeconds = Math.min(maxDelaySeconds, Math.max(0, Number.parseInt(header('MX') ?? '0', 10) || 0))
    answering++
    try {
      // Spread over the time that the asker gives, so that not everybody answers at once.
      await clock.sleep(Math.random() * delaySeconds * 900, end.signal)
      for (const device of devices()) {
        for (const type of typesOf(device)) {
          if (wanted !== 'ssdp:all' && wanted !== type) continue
          const lines = [
            'HTTP/1.1 200 OK',
            ...headersOf(device, type, local),
            'EXT:',
            `DATE: ${new Date(clock.now()).toUTCString()}`,
          ]
          await send(`${[...lines, `ST: ${type}`].join('\r\n')}\r\n\r\n`, to, toPort)
        }
      }
    } catch {
      // it is ending
    } finally {
      answering--
    }
  }

  async function notify(kind: 'alive' | 'byebye'): Promise<void> {
    for (const address of joined) {
      try {
        socket.setMulticastInterface(address)
      } catch {
        continue // the interface is gone
      }
      for (const device of devices()) {
        for (const type of typesOf(device)) {
          const head = ['NOTIFY * HTTP/1.1', `HOST: ${group}:${port}`, `NT: ${type}`, `NTS: ssdp:${kind}`]
          await send(`${[...head, ...headersOf(device, type, address)].join('\r\n')}\r\n\r\n`, group, port)
        }
      }
    }
  }

  function join(): boolean {
    const before = joined.size
    const now = Object.values(networkInterfaces()).flatMap(list =>
      (list ?? []).filter(({ family }) => family === 'IPv4'),
    )
    for (const { address } of now) {
      if (joined.has(address)) continue
      try {
        socket.addMembership(group, address)
        joined.add(address)
      } catch {
        // it may have no multicast
      }
    }
    for (const address of joined) if (!now.some(found => found.address === address)) joined.delete(address)
    return joined.size > before
  }

  async function keepAnnouncing(): Promise<void> {
    for (let left = 0; ; left -= joinMs) {
      if (join() || left <= 0) {
        await notify('alive')
        left = announceMs
      }
      await clock.sleep(joinMs, end.signal)
    }
  }
  const announcing = keepAnnouncing().catch(() => {})

  return {
    async [Symbol.asyncDispose]() {
      end.abort()
      await announcing
      await notify('byebye')
      await new Promise<void>(done => socket.close(() => done()))
    },
  }
}

function bound(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}

/** The address of ours from which packets to another one leave: the kernel's routing is asked, nothing is sent. */
export function localAddressTowards(address: string): Promise<string> {
  return new Promise(resolve => {
    const probe = createSocket('udp4')
    const done = (found: string) => {
      probe.close()
      resolve(found)
    }
    probe.once('error', () => done('127.0.0.1'))
    probe.connect(port, address, () => done(probe.address().address))
  })
}
