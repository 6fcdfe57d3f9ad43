import { type Mapping, type RpcServerOptions, startRpcServer, startRpcUdpServer } from '@nfs/protocol-rpc'
import type { Logger } from '../lib/log.ts'
import { portmapServices } from './portmap-service.ts'
import { registerAtRpcbind } from './rpcbind-registration.ts'

/** How clients that ask for no port are to find us; `auto`: serve where possible, else register, else neither. */
export type PortmapMode = 'auto' | 'serve' | 'register' | 'off'

/** How clients do find us. */
export interface PortmapOutcome {
  readonly how: 'served' | 'registered' | 'off'
  /** Why it is not what might have been wished for. */
  readonly reason?: string
}

export interface PortmapOptions {
  readonly mode: PortmapMode
  readonly port: number
  readonly mappings: readonly Mapping[]
  readonly server: Pick<RpcServerOptions, 'host' | 'accept' | 'onError'>
}

/** Makes the programs findable. Rejects only when the mode leaves no choice and it cannot be done. */
export async function startPortmap(
  options: PortmapOptions,
  log: Logger,
): Promise<AsyncDisposable & { readonly outcome: PortmapOutcome }> {
  const { mode, port, mappings } = options
  const stack = new AsyncDisposableStack()
  const result = (outcome: PortmapOutcome) => ({ outcome, [Symbol.asyncDispose]: () => stack.disposeAsync() })
  if (mode === 'off') return result({ how: 'off' })

  const reasons: string[] = []
  if (mode !== 'register') {
    try {
      stack.use(await servePortmap(options))
      return result({ how: 'served' })
    } catch (error) {
      if (mode === 'serve') throw error
      reasons.push((error as Error).message)
    }
  }
  try {
    const registration = await registerAtRpcbind(mappings, port)
    stack.defer(async () => {
      try {
        await registration[Symbol.asyncDispose]()
      } catch (error) {
        log.warn({ err: error }, 'the registration at rpcbind could not be withdrawn')
      }
    })
    return result({ how: 'registered' })
  } catch (error) {
    if (mode === 'register') throw error
    reasons.push((error as Error).message)
  }
  return result({ how: 'off', reason: reasons.join('; ') })
}

async function servePortmap({ port, mappings, server }: PortmapOptions): Promise<AsyncDisposable> {
  const services = portmapServices(mappings, port)
  await using stack = new AsyncDisposableStack()
  stack.use(await startRpcServer({ ...server, port, services, idleMs: 60_000, drainMs: 1000 }))
  stack.use(await startRpcUdpServer({ ...server, port, services }))
  return stack.move()
}
