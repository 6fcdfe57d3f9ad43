/** Live channels: one upstream at a time for any number of viewers, and a stream that goes on when the upstream does not. */
export { LiveError, type LiveErrorCode } from './errors.ts'
export {
  type Gateway,
  type GatewayDeps,
  type GatewayOptions,
  type GatewayStats,
  openGateway,
  type SessionStatus,
  type Viewer,
  type Viewing,
} from './gateway.ts'
export type { UpstreamHealth } from './health.ts'
export type { LiveFailure } from './history.ts'
export * from './ports.ts'
