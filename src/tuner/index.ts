/** The HDHomeRun that media servers see: over HTTP, and by its discovery. */
export { isDeviceId, newDeviceId } from './device-id.ts'
export { type Discovery, type DiscoveryDeps, type DiscoveryOptions, startDiscovery } from './discovery.ts'
export * from './ports.ts'
export { type TunerRoutesDeps, tunerRoutes } from './routes.ts'
