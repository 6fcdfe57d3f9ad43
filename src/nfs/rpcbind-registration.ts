import { connectRpc, IpProtocol, type Mapping, portmap2, type RpcClient, RpcUnanswered } from '@nfs/protocol-rpc'

const rpcbindHost = '127.0.0.1'
const timeoutMs = 3000
/** rpcbind lets only root register, and knows him by a port below 1024. These are the ones that services rarely use. */
const firstPrivilegedPort = 700
const lastPrivilegedPort = 1023
const maxTries = 8

/** Why a running rpcbind did not take the registration. */
export class RegistrationError extends Error {
  override name = 'RegistrationError'
}

/**
 * Tells the rpcbind on this machine where our programs are. What another living server has registered is left to it.
 * Disposing of the result withdraws what was registered.
 *
 * @throws RegistrationError
 */
export async function registerAtRpcbind(mappings: readonly Mapping[], port: number): Promise<AsyncDisposable> {
  await using client = await connectFromPrivilegedPort(port)
  const rpcbind = client.program(portmap2)
  for (const mapping of mappings) {
    const taken = await rpcbind.GETPORT({ ...mapping, port: 0 })
    if (taken !== 0 && taken !== mapping.port && (await isAlive(mapping, taken))) {
      throw new RegistrationError(`Program ${mapping.program} is registered by another server, on port ${taken}`)
    }
  }
  for (const mapping of mappings) {
    await rpcbind.UNSET(mapping) // what an earlier run of ours may have left
    if (await rpcbind.SET(mapping)) continue
    throw new RegistrationError(`The rpcbind on this machine refused to register program ${mapping.program}`)
  }
  return {
    async [Symbol.asyncDispose]() {
      await using again = await connectFromPrivilegedPort(port)
      for (const mapping of mappings) await again.program(portmap2).UNSET(mapping)
    },
  }
}

async function connectFromPrivilegedPort(port: number): Promise<RpcClient> {
  const count = lastPrivilegedPort - firstPrivilegedPort + 1
  let cause: unknown
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const localPort = firstPrivilegedPort + Math.floor(Math.random() * count)
    try {
      return await connectRpc({ host: rpcbindHost, port, localPort, timeoutMs })
    } catch (error) {
      cause = error // the port may be in use: another one may not be
    }
  }
  throw new RegistrationError('Cannot call the rpcbind on this machine from a port below 1024', { cause })
}

/** Whether somebody answers where a program is said to be. */
async function isAlive({ program, version, protocol }: Mapping, port: number): Promise<boolean> {
  if (protocol !== IpProtocol.TCP) return false
  try {
    await using client = await connectRpc({ host: rpcbindHost, port, timeoutMs })
    await client.program({ ...portmap2, number: program, version }).NULL()
    return true
  } catch (error) {
    return !(error instanceof RpcUnanswered)
  }
}
