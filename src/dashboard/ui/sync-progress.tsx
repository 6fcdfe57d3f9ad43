import type { DashboardState } from '../model.ts'
import { number } from './format.ts'
import { Progress } from './progress.tsx'

/** How far a sync that is under way has come; the place for it is kept while none is. */
export function SyncProgress({ sync: { isRunning, progress } }: { sync: DashboardState['sync'] }) {
  const of = progress?.total === undefined ? '' : ` of ${number(progress.total)}`
  return (
    <div class="progress line">
      {isRunning && (
        <Progress label="Sync" value={progress?.done} max={progress?.total}>
          {progress === undefined
            ? 'asking the provider'
            : `${progress.accountId}: ${progress.part}, ${number(progress.done)}${of}`}
        </Progress>
      )}
    </div>
  )
}
