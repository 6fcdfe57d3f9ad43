import { get, type LogLine } from '../api.ts'
import { clockWithSeconds } from '../format.ts'
import { Badge, Empty, Looking, Page, type Tone, useAnswer } from '../parts.tsx'
import { refine, route } from '../route.ts'
import { state } from '../store.ts'
import './logs.css'

const tones: Readonly<Record<string, Tone>> = { debug: 'calm', info: 'calm', warn: 'busy', error: 'bad', fatal: 'bad' }

/** The last lines of the log, the latest first; more as they come. */
export function Logs() {
  const level = route.value.query.get('level') ?? 'info'
  const { value: lines, error } = useAnswer(
    signal => get<readonly LogLine[]>(`/api/logs?level=${level}`, signal),
    [level, state.value!.logLines],
  )
  return (
    <Page
      title="Log"
      lead="The last lines since the start. What is secret is never in it."
      tools={
        <label class="choice">
          <span>Level</span>
          <select value={level} onChange={({ currentTarget: { value } }) => refine({ level: value })}>
            <option value="debug">debug and above</option>
            <option value="info">info and above</option>
            <option value="warn">warnings and errors</option>
            <option value="error">errors</option>
          </select>
        </label>
      }
    >
      <div class="tall">
        {error !== undefined && <Empty>{error}</Empty>}
        {lines === undefined && error === undefined && <Looking />}
        {lines?.length === 0 && <Empty>No such lines.</Empty>}
        <ol class="log">
          {lines?.map(({ number, level, at, part, message, fields }) => (
            <li key={number}>
              <time dateTime={new Date(at).toISOString()}>{clockWithSeconds(at)}</time>
              <Badge tone={tones[level] ?? 'calm'}>{level}</Badge>
              <span class="part">{part ?? ''}</span>
              <span class="line">
                {message} {fields !== '' && <code>{fields}</code>}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </Page>
  )
}
