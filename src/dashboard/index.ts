export type { Counters, DashboardState, Notice, Procedure, SyncRun } from './model.ts'
export type { DashboardDeps } from './ports.ts'
export { dashboardRoutes } from './routes.ts'
