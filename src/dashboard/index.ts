export type { Counters, DashboardState, Notice, Procedure } from './model.ts'
export type { DashboardDeps } from './ports.ts'
export { dashboardRoutes } from './routes.ts'
