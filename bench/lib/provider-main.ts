/** The process of provider.ts: options as JSON come in, its URL goes out; then questions come in, and each is answered. */
import { type AnswerFaults, type DemoProvider, startDemoProvider } from '../../src/demo/index.ts'

export type Question = { readonly answers: Record<string, AnswerFaults> } | { readonly counts: true }

/** What the provider was asked for since this was last asked. */
export interface Counts {
  readonly requests: Readonly<Record<string, number>>
  readonly bytes: Readonly<Record<string, number>>
  /** The most at once. */
  readonly mostConnections: number
  /** Requests that were one connection too many. */
  readonly refused: number
}

const provider = await startDemoProvider(JSON.parse(process.argv[2]!))
process.on('message', (question: Question) => {
  if ('answers' in question) {
    provider.faults.answers = question.answers
    process.send!('done')
  } else process.send!(countsOf(provider))
})
process.on('disconnect', () => process.exit())
process.send!(provider.url)

function countsOf({ log, connections, limits }: DemoProvider): Counts {
  const refused = log.filter(({ status }) => status === limits.refusal).length
  const counts = { requests: {} as Record<string, number>, bytes: {} as Record<string, number> }
  for (const { kind, bytes } of log) {
    counts.requests[kind] = (counts.requests[kind] ?? 0) + 1
    counts.bytes[kind] = (counts.bytes[kind] ?? 0) + bytes
  }
  const mostConnections = connections.peak
  provider.reset()
  return { ...counts, mostConnections, refused }
}
