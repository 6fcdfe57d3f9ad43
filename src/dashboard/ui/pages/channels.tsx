import { useEffect, useState } from 'preact/hooks'
import { act, type Channel, get } from '../api.ts'
import { moment, number, plural } from '../format.ts'
import { Act, Badge, Empty, Looking, Page, Pager, Search, Table, type Tone, useAnswer } from '../parts.tsx'
import { doing, state } from '../store.ts'
import './channels.css'

const pageSize = 50

/** Channels: how each is, and changes to it. */
export function Channels() {
  const [q, setQ] = useState('')
  const [cursors, setCursors] = useState<readonly number[]>([])
  const [changes, setChanges] = useState(0)
  const after = cursors.at(-1) ?? 0
  useEffect(() => setCursors([]), [q])
  const asked = new URLSearchParams({ q, limit: String(pageSize), after: String(after) })
  const { value: channels, error } = useAnswer(
    signal => get<readonly Channel[]>(`/api/channels?${asked}`, signal),
    [`${asked}`, changes],
  )
  const changed = () => setChanges(count => count + 1)
  const isLast = channels !== undefined && channels.length < pageSize
  return (
    <Page
      title="Channels"
      lead={`${plural(state.value!.live?.channels ?? 0, 'channel')} in the lineup`}
      tools={
        <a class="button" href="#/guide">
          Guide
        </a>
      }
    >
      <search class="filters">
        <Search placeholder="Name or number" value={q} search={setQ} />
      </search>
      {error !== undefined && (
        <Empty>{state.value!.live === undefined ? 'The tuner is switched off (tuner.enabled).' : error}</Empty>
      )}
      <div class="tall">
        {channels === undefined && error === undefined && <Looking />}
        {channels?.length === 0 && <Empty>No such channel.</Empty>}
        {channels !== undefined && channels.length > 0 && (
          <Table caption="Channels" head={['Number', 'Name', 'Health', 'Upstreams', 'Actions']}>
            {channels.map(channel => (
              <Row key={channel.id} channel={channel} changed={changed} />
            ))}
          </Table>
        )}
      </div>
      <Pager of="channels" cursors={cursors} isLast={isLast} next={channels?.at(-1)?.id} go={setCursors} />
    </Page>
  )
}

function Row({ channel, changed }: { channel: Channel; changed: () => void }) {
  const { id, number: at, name, group, isHidden, upstreams } = channel
  const [isNaming, setNaming] = useState(false)
  const change = async (patch: object) => {
    await act('PUT', `/api/channels/${id}/override`, patch)
    changed()
  }
  const { tone, word, why } = healthOf(channel)
  return (
    <tr class={isHidden ? 'faint' : ''}>
      <td>{at}</td>
      <th scope="row">
        {isNaming ? (
          <form
            class="inline"
            onSubmit={event => {
              event.preventDefault()
              const given = new FormData(event.currentTarget).get('name')
              void doing(`The channel is called ${given} now.`, () => change({ name: given })).then(
                ok => ok && setNaming(false),
              )
            }}
          >
            <input
              name="name"
              aria-label={`New name of ${name}`}
              defaultValue={name}
              required
              ref={input => input?.focus()}
              onKeyDown={({ key }) => key === 'Escape' && setNaming(false)}
            />
            <button type="submit" class="button main">
              Save
            </button>
          </form>
        ) : (
          name
        )}
        <small>{group ?? ''}</small>
      </th>
      <td class="words">
        <Badge tone={tone}>{word}</Badge>
        <small>{why}</small>
      </td>
      <td>{plural(upstreams.length, 'stream')}</td>
      <td>
        <div class="buttons">
          <button type="button" class="button" aria-label={`Rename ${name}`} onClick={() => setNaming(!isNaming)}>
            Rename
          </button>
          <Act
            label={isHidden ? 'Enable' : 'Disable'}
            name={`${isHidden ? 'Enable' : 'Disable'} ${name}`}
            done={`${name} is ${isHidden ? 'in the lineup again' : 'no longer in the lineup'}.`}
            action={() => change({ hidden: !isHidden })}
          />
          <Act
            label="Test"
            name={`Test ${name}`}
            done={`${name} was tested.`}
            disabled={isHidden}
            action={async () => {
              await act('POST', '/api/channels/test', { channelIds: [id] })
              changed()
            }}
          />
        </div>
      </td>
    </tr>
  )
}

function healthOf({ isHidden, isDead, tests, failures }: Channel): { tone: Tone; word: string; why: string } {
  const [failure] = failures
  const last = [...tests].sort((a, b) => b.at - a.at)[0]
  if (isHidden) return { tone: 'calm', word: 'disabled', why: '' }
  const why = failure === undefined ? undefined : `${moment(failure.at)}: ${failure.reason}`
  if (isDead) return { tone: 'bad', word: 'dead', why: why ?? last?.outcome.reason ?? '' }
  if (last === undefined)
    return failure === undefined
      ? { tone: 'calm', word: 'not tested', why: '' }
      : { tone: 'busy', word: 'had trouble', why: why! }
  const { is, ms, reason } = last.outcome
  if (is === 'ok')
    return { tone: 'good', word: `works, ${number(Math.round(ms ?? 0))} ms`, why: why ?? `tested ${moment(last.at)}` }
  return {
    tone: is === 'dead' ? 'bad' : 'busy',
    word: is === 'dead' ? 'does not work' : 'could not be tested',
    why: reason ?? '',
  }
}
