import type { RunReport } from '../lib/run-plan.ts'

/** What a run of a media server's set-up did, for a person. `nothing` is said when there was nothing to do. */
export function describeReport({ done, failed, left, problems }: RunReport, isPlan: boolean, nothing: string): string {
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.map(line => `  ${line}`)]
  const failures = failed.map(({ step, reason }) => `${step}\n    ${reason}`)
  return [
    ...(done.length + failed.length + left.length === 0 ? [nothing] : []),
    ...list('Done', done),
    ...list('Failed', failures),
    ...list(isPlan ? 'Would be done' : 'Not done', left),
    ...list('To be looked at', problems),
    '',
  ].join('\n')
}
