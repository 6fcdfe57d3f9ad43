import type { FastifyRequest } from 'fastify'
import type { LogTail } from '../lib/log-tail.ts'
import type { Counters, DashboardState } from './model.ts'

/** What the dashboard asks of the rest of the program. */
export interface DashboardDeps {
  /** Everything there is to show but the samples. Asked once a second at most, and only while somebody looks. */
  state(): Omit<DashboardState, 'sample'>
  /** Cheap: asked every few seconds, always. */
  counters(): Counters
  readonly tail: LogTail
  /** Whether who sent a request may still look. Cheap: asked every few seconds for each that is told what changes. */
  mayStillLook(request: FastifyRequest): boolean
}
