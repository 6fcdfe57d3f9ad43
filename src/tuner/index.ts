export { isDeviceId, newDeviceId } from './device-id.ts'
export * from './ports.ts'
