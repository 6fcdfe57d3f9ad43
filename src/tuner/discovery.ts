import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../lib/clock.ts'
import { ListenError } from '../lib/listen-error.ts'
import type { Logger } from '../lib/log.ts'
import { addressUrl } from './base-url.ts'
import { type ControlState, controlReply, discoveryReply, wantedDevices } from './discovery-answers.ts'
import { maxPacketBytes, packetLength, packetTypes, readPacket, writePacket } from './discovery-packet.ts'
import { devicePath, model } from './documents.ts'
import type { Devices } from './ports.ts'
import { localAddressTowards, startSsdp } from './ssdp.ts'

/** Where libhdhomerun looks, UDP and TCP. */
const discoveryPort = 65_001
const maxControlConnections = 32
const controlIdleMs = 60_000

export interface DiscoveryOptions {
  readonly host: string
  readonly httpPort: number
  /** `auto` goes on without it when the port is taken; `on` does not. */
  readonly hdhomerun: 'auto' | 'on' | 'off'
  readonly ssdp: boolean
  /** Where clients reach the server; without it, at the address of ours that is towards them. */
  readonly baseUrl?: string
  /** Default 65001. */
  readonly port?: number
}

export interface DiscoveryDeps {
  devices(): Devices
  /** Of a device's tuners, the channel number of each that is in use. */
  tuners(device: number): readonly (string | undefined)[]
  readonly log: Logger
  readonly clock?: Clock
}

/** What lets clients find the devices by themselves. Disposing of it says goodbye. */
export interface Discovery extends AsyncDisposable {
  /** What listens. */
  readonly how: { readonly hdhomerun: boolean; readonly ssdp: boolean }
}

/** Starts what the options say. @throws ListenError where it has to be and cannot. */
export async function startDiscovery(options: DiscoveryOptions, deps: DiscoveryDeps): Promise<Discovery> {
  const { host, hdhomerun, ssdp, port = discoveryPort } = options
  const { log, clock = systemClock } = deps
  await using stack = new AsyncDisposableStack()
  const rootTowards = async (address: string) =>
    options.baseUrl?.replace(/\/+$/, '') ?? addressUrl(await localAddressTowards(address), options.httpPort)
  const controlSockets = new Set<Socket>()
  let found = false
  if (hdhomerun !== 'off') {
    try {
      const udp = stack.adopt(await listenUdp(host, port), closed)
      udp.on('message', (message, from) => void answerSearch(message, from.address, from.port, udp))
      const control = stack.adopt(await listenTcp(host, port), closed)
      control.on('connection', serveControl)
      stack.defer(() => {
        for (const socket of controlSockets) socket.destroy()
      })
      found = true
    } catch (error) {
      if (hdhomerun === 'on') {
        const why = `${(error as Error).message}. Set tuner.discovery to auto to go on without, or to off`
        throw new ListenError(codeOf(error), `The tuner cannot be found by itself on port ${port}: ${why}`, {
          cause: error,
        })
      }
      log.warn(
        { port, reason: (error as Error).message },
        'The tuner cannot be found by itself: its port cannot be had',
      )
    }
  }
  const announced = ssdp
    ? await startSsdp({
        devices: () => deps.devices().devices,
        location: ({ index }, local) =>
          `${options.baseUrl?.replace(/\/+$/, '') ?? addressUrl(local, options.httpPort)}${devicePath(index)}/device.xml`,
        clock,
        log,
      })
    : undefined
  if (announced !== undefined) stack.use(announced)

  async function answerSearch(message: Buffer, address: string, from: number, udp: UdpSocket): Promise<void> {
    const packet = readPacket(message)
    if (packet?.type !== packetTypes.discoverRequest) return
    const wanted = wantedDevices(packet, deps.devices().devices)
    if (wanted.length === 0) return
    const root = await rootTowards(address)
    for (const device of wanted) udp.send(writePacket(discoveryReply(device, root)), from, address, () => {})
  }

  function serveControl(socket: Socket): void {
    let input = Buffer.alloc(0)
    controlSockets.add(socket)
    socket.once('close', () => controlSockets.delete(socket))
    socket.setTimeout(controlIdleMs, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('data', chunk => {
      input = Buffer.concat([input, chunk as Buffer])
      if ((packetLength(input) ?? 0) > maxPacketBytes) return void socket.destroy()
      for (
        let length = packetLength(input);
        length !== undefined && input.length >= length;
        length = packetLength(input)
      ) {
        const packet = readPacket(input.subarray(0, length))
        input = input.subarray(length)
        const state = packet?.type === packetTypes.getSetRequest ? stateNow() : undefined
        if (packet === undefined || state === undefined) return void socket.destroy()
        socket.write(writePacket(controlReply(packet, state, controlFacts)))
      }
    })
  }

  /** A connection names no device: it is with the first. */
  function stateNow(): ControlState | undefined {
    const [device] = deps.devices().devices
    return device && { device, tuners: deps.tuners(device.index) }
  }

  const running = stack.move()
  return {
    how: { hdhomerun: found, ssdp: announced !== undefined },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unknown'

const controlFacts = { firmware: model.firmware, model: model.name, version: model.version }

function listenUdp(host: string, port: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const fail = (error: Error) => {
      socket.close() // one that could not bind is open all the same
      reject(error)
    }
    socket.once('error', fail)
    socket.bind(port, host === '::' ? '0.0.0.0' : host, () => {
      socket.off('error', fail)
      socket.on('error', () => {}) // a packet that could not be sent
      resolve(socket)
    })
  })
}

function listenTcp(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.maxConnections = maxControlConnections
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function closed(server: UdpSocket | Server): Promise<void> {
  return new Promise(resolve => void server.close(() => resolve()))
}
