export { channelRoutes } from './channel-routes.ts'
export type {
  Access,
  Action,
  ChannelActions,
  ChannelQuery,
  Health,
  HttpDeps,
  Overview,
  PartHealth,
  QueueActions,
  SignInOutcome,
  TitleQuery,
} from './ports.ts'
export { HttpProblem } from './problem.ts'
export { queueRoutes } from './queue-routes.ts'
export { createHttp, type Http, type HttpOptions, startHttp } from './server.ts'
export { withoutSignIn } from './sign-in.ts'
export { CertificateError } from './tls.ts'
