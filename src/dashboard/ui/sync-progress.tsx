import type { DashboardState } from '../model.ts'
import { number } from './format.ts'
import './progress.css'

/** How far a sync that is under way has come; the place for it is kept while none is. */
export function SyncProgress({ sync: { isRunning, progress } }: { sync: DashboardState['sync'] }) {
  return (
    <div class="progress line">
      {isRunning && (
        <>
          <progress
            aria-label="Sync"
            {...(progress?.total !== undefined && { max: progress.total, value: progress.done })}
          />
          <span class="soft">
            {progress === undefined
              ? 'asking the provider'
              : `${progress.accountId}: ${progress.part}, ${number(progress.done)}${progress.total === undefined ? '' : ` of ${number(progress.total)}`}`}
          </span>
        </>
      )}
    </div>
  )
}
