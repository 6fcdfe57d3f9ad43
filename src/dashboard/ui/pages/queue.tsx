import type { QueueEntry, QueueState } from '../../model.ts'
import { act } from '../api.ts'
import { moment, number, plural, size } from '../format.ts'
import { Act, Badge, Empty, Page, type Tone } from '../parts.tsx'
import { Progress } from '../progress.tsx'
import { state } from '../store.ts'
import './queue.css'

const tones: Readonly<Record<QueueState, Tone>> = { running: 'good', waiting: 'calm', paused: 'busy', failed: 'bad' }
const origins: Readonly<Record<string, string>> = {
  read: 'somebody is reading it',
  person: 'added by hand',
  'next-episode': 'likely to be watched next',
  policy: 'the library wants it',
}

/** What is made into files, and in which order. */
export function Queue() {
  const { isPaused, states, entries, made, failures } = state.value!.queue
  const all = Object.values(states).reduce((sum, count) => sum + count, 0)
  return (
    <Page
      title="Queue"
      lead={`${plural(all, 'title')} to be made into ${all === 1 ? 'a file' : 'files'}; ${number(made)} made and ${plural(failures, 'failed try', 'failed tries')} since the start.`}
      tools={
        <Act
          id="pause-all"
          label={isPaused ? 'Resume all' : 'Pause all'}
          kind="main"
          done={isPaused ? 'The queue goes on.' : 'The queue is paused; only what somebody reads is made.'}
          action={() => act('POST', `/api/queue/${isPaused ? 'resume' : 'pause'}`, {})}
        />
      }
    >
      {isPaused && (
        <p class="banner" role="status">
          The queue is paused: only what somebody is reading is made.
        </p>
      )}
      {entries.length === 0 ? (
        <Empty>
          Nothing waits to be made. <a href="#/library">Choose something from the library</a>
        </Empty>
      ) : (
        <ol class="queue">
          {entries.map((entry, at) => (
            <Entry key={entry.variantId} entry={entry} isFirst={at === 0} isLast={at === entries.length - 1} />
          ))}
        </ol>
      )}
      {entries.length < all && (
        <p class="soft">
          The first {number(entries.length)} of {number(all)}.
        </p>
      )}
    </Page>
  )
}

function Entry({
  entry: { variantId, place, title, accountId, origin, state, progress, reason, nextTryAt },
  isFirst,
  isLast,
}: {
  entry: QueueEntry
  isFirst: boolean
  isLast: boolean
}) {
  const send =
    (what: string, more: object = {}) =>
    () =>
      act('POST', `/api/queue/${what}`, { variantIds: [variantId], ...more })
  const stopped = state === 'paused' || state === 'failed'
  const expected = progress?.expectedBytes
  return (
    <li class="entry">
      <span class="place">{place}</span>
      <div>
        <p class="name">{title}</p>
        <p class="soft">
          <Badge tone={tones[state]}>{state}</Badge> {accountId} · {origins[origin] ?? origin}
          {nextTryAt !== undefined && ` · next try ${moment(nextTryAt)}`}
        </p>
        {reason !== undefined && <p class="reason">{reason}</p>}
        <div class="progress">
          {progress !== undefined && (
            <Progress label={`${title}: ${progress.stage}`} value={progress.bytes} max={expected}>
              {progress.stage}, {size(progress.bytes)}
              {expected !== undefined && ` of about ${size(expected)}`}
            </Progress>
          )}
        </div>
      </div>
      <div class="buttons">
        <Act
          id={`top-${variantId}`}
          label="⤒"
          name={`Move to the top: ${title}`}
          done={`${title} is at the top.`}
          action={send('move', { to: 'top' })}
          disabled={isFirst}
        />
        <Act
          id={`up-${variantId}`}
          label="↑"
          name={`Move up: ${title}`}
          done={`${title} was moved up.`}
          action={send('move', { to: 'up' })}
          disabled={isFirst}
        />
        <Act
          id={`down-${variantId}`}
          label="↓"
          name={`Move down: ${title}`}
          done={`${title} was moved down.`}
          action={send('move', { to: 'down' })}
          disabled={isLast}
        />
        <Act
          id={`pause-${variantId}`}
          label={stopped ? 'Resume' : 'Pause'}
          name={`${stopped ? 'Resume' : 'Pause'}: ${title}`}
          done={stopped ? `${title} goes on.` : `${title} is paused.`}
          action={send(stopped ? 'resume' : 'pause')}
        />
        <Act
          id={`remove-${variantId}`}
          label="Remove"
          name={`Remove: ${title}`}
          done={`${title} was removed.`}
          kind="danger"
          action={send('remove')}
        />
      </div>
    </li>
  )
}
