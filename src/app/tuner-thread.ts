import { extname } from 'node:path'
import type { GuideFile } from '../guide/index.ts'
import type { Logger } from '../lib/log.ts'
import type { Lineup } from '../lineup/index.ts'
import { startThread } from './thread.ts'
import type { TunerAnswers, TunerEvent, TunerRequest, TunerWorkerData } from './tuner-messages.ts'

/** The main thread's hold on the thread of lineup and guide (tuner-worker.ts). */
export interface TunerThread extends AsyncDisposable {
  ask<R extends TunerRequest>(request: R): Promise<TunerAnswers[R['type']]>
}

export interface TunerThreadEvents {
  readonly log: Logger
  readonly onLineup: (lineup: Lineup) => void
  readonly onGuides: (files: ReadonlyMap<number, GuideFile>) => void
  readonly onDeath: (error: Error) => void
}

/** Starts the thread; resolves once its databases are there. The catalogue's has to be there before. */
export async function startTunerThread(
  data: TunerWorkerData,
  { log, onLineup, onGuides, onDeath }: TunerThreadEvents,
): Promise<TunerThread> {
  const module = new URL(`./tuner-worker${extname(import.meta.url)}`, import.meta.url)
  const onEvent = (event: TunerEvent) => (event.type === 'lineup' ? onLineup(event.lineup) : onGuides(event.files))
  const thread = await startThread<TunerRequest, TunerEvent>('tuner', module, data, { log, onEvent, onDeath })
  return {
    ask: async request => (await thread.call(request)) as never,
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
