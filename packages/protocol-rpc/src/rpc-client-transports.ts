import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { RecordStream, recordMark } from './record-stream.ts'
import { type ClientTransport, RpcClient, type RpcClientOptions, RpcUnanswered } from './rpc-client.ts'

/** Limits of a reply: a page of 4 MiB and its envelope. */
const replyLimits = { maxRecordBytes: 4 * 1024 * 1024 + 4096, maxFragments: 65_536 }
const resendMs = 1000

export interface RpcTarget extends RpcClientOptions {
  readonly host: string
  readonly port: number
  /** Port of ours to call from: below 1024 for servers that want to see root. */
  readonly localPort?: number
}

/** Connects over TCP. Rejects with RpcUnanswered when that fails or takes longer than `timeoutMs`. */
export function connectRpc(target: RpcTarget): Promise<RpcClient> {
  const { host, port, localPort, timeoutMs = 60_000 } = target
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, ...(localPort !== undefined && { localPort }) })
    const fail = (cause?: Error) => {
      socket.destroy()
      reject(new RpcUnanswered(`Cannot connect to ${host} port ${port}`, { cause }))
    }
    socket.once('error', fail)
    const timer = setTimeout(fail, timeoutMs)
    socket.once('close', () => clearTimeout(timer))
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      const transport: ClientTransport = {
        resendMs: undefined,
        send(message) {
          const mark = Buffer.allocUnsafe(4)
          mark.writeUInt32BE(recordMark(message.length))
          socket.cork()
          socket.write(mark)
          socket.write(message)
          socket.uncork()
        },
        listen(onMessage, onEnd) {
          const records = new RecordStream(replyLimits)
          socket.on('data', chunk => {
            records.push(chunk as Buffer)
            try {
              while (records.next()) onMessage(records.bytes.subarray(records.start, records.end))
            } catch (cause) {
              socket.destroy(cause as Error)
            }
          })
          let reason: Error | undefined
          socket.on('error', error => {
            reason = error
          })
          socket.on('close', () => onEnd(new RpcUnanswered(`${host} closed the connection`, { cause: reason })))
        },
        async [Symbol.asyncDispose]() {
          if (socket.closed) return
          const closed = new Promise(done => socket.once('close', done))
          socket.destroy()
          await closed
        },
      }
      resolve(new RpcClient(transport, target))
    })
  })
}

/** Calls over UDP; a call is sent again each second until it is answered. Rejects when `localPort` cannot be bound. */
export function connectRpcUdp(target: RpcTarget): Promise<RpcClient> {
  const { host, port, localPort = 0 } = target
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  const transport: ClientTransport = {
    resendMs,
    send: message => socket.send(message, () => {}), // what is lost is sent again
    listen(onMessage, onEnd) {
      socket.on('message', onMessage)
      socket.on('error', error => onEnd(new RpcUnanswered(`${host} cannot be reached`, { cause: error })))
    },
    [Symbol.asyncDispose]: () => new Promise<void>(done => socket.close(() => done())),
  }
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => {
      socket.close()
      reject(new RpcUnanswered(`Cannot call ${host} port ${port} over UDP`, { cause }))
    }
    socket.once('error', fail)
    socket.bind(localPort, () =>
      socket.connect(port, host, () => {
        socket.off('error', fail)
        resolve(new RpcClient(transport, target))
      }),
    )
  })
}
