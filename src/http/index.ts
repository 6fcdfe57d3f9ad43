export type { Action, Health, HttpDeps, Overview, PartHealth, TitleQuery } from './ports.ts'
export { HttpProblem } from './problem.ts'
export { createHttp, type Http, type HttpOptions, startHttp } from './server.ts'
