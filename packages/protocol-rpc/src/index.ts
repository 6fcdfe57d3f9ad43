export { BufferPool, type BufferPoolOptions } from './buffer-pool.ts'
export * from './codec.ts'
export { type CallEvent, type ConnectionEvent, callChannel, connectionChannel } from './events.ts'
export * from './mount-program.ts'
export * from './nfs3.ts'
export * from './nfs3-program.ts'
export {
  type DirectoryPage,
  type Entry3,
  type Entryplus3,
  entry3,
  entryplus3,
  type ReaddirArgs,
  type ReaddirplusArgs,
} from './nfs3-readdir.ts'
export { type Diropargs3, maxDataBytes } from './nfs3-reading.ts'
export type { Result3 } from './nfs3-results.ts'
export * from './portmap-program.ts'
export { RecordError, type RecordLimits, RecordStream, recordMark } from './record-stream.ts'
export type { Call, Peer } from './rpc-call.ts'
export { type ProgramClient, RpcClient, type RpcClientOptions, RpcUnanswered } from './rpc-client.ts'
export { connectRpc, connectRpcUdp, type RpcTarget } from './rpc-client-transports.ts'
export { type CallFailure, type Dispatched, RpcDispatcher, type WaitingCall } from './rpc-dispatcher.ts'
export { AuthFlavor, AuthStat, type AuthSys, type Refusal, RpcRefusal } from './rpc-message.ts'
export * from './rpc-program.ts'
export {
  type ConnectionInfo,
  type RpcServer,
  type RpcServerOptions,
  type RpcServerStats,
  startRpcServer,
} from './rpc-server.ts'
export { type ProcedureStats, waitBucketsMs } from './rpc-stats.ts'
export { type RpcUdpServer, type RpcUdpServerOptions, startRpcUdpServer } from './rpc-udp-server.ts'
export { paddingOf, XdrError } from './xdr-error.ts'
export { XdrReader } from './xdr-reader.ts'
export { type BufferSource, type Written, XdrWriter } from './xdr-writer.ts'
