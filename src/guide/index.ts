/** The programme guide: XMLTV of others in, XMLTV of our channels out. */
export { readAliases } from './aliases.ts'
export { GuideError, type GuideErrorCode } from './errors.ts'
export { type Guide, type GuideDeps, openGuide } from './guide.ts'
export type { LinkedBy, LinkSuggestion } from './link.ts'
export type * from './model.ts'
export type * from './ports.ts'
export type { ProblemKind, Problems } from './problems.ts'
