export { channelRoutes } from './channel-routes.ts'
export { libraryRoutes } from './library-routes.ts'
export type {
  Access,
  Action,
  ChannelActions,
  ChannelQuery,
  Health,
  HttpDeps,
  LibraryAnswers,
  LibraryQuery,
  Overview,
  PartHealth,
  Poster,
  QueueActions,
  SignInOutcome,
  TitleQuery,
} from './ports.ts'
export { queueRoutes } from './queue-routes.ts'
export { createHttp, type Http, type HttpOptions, startHttp } from './server.ts'
export { mayStillLook, withoutSignIn } from './sign-in.ts'
export { CertificateError } from './tls.ts'
