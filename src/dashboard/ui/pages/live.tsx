import type { LiveFailure } from '../../model.ts'
import { type Channel, get } from '../api.ts'
import { clockWithSeconds, duration, moment, plural, size } from '../format.ts'
import { Card, Empty, Page, Table, useAnswer } from '../parts.tsx'
import { state } from '../store.ts'

/** Channels that are watched, by whom, and what went wrong lately. */
export function Live() {
  const { live } = state.value!
  if (live === undefined)
    return (
      <Page title="Watching now">
        <Empty>The tuner is switched off (tuner.enabled).</Empty>
      </Page>
    )
  const { sessions, failures } = live
  const viewers = sessions.reduce((sum, session) => sum + session.viewers.length, 0)
  return (
    <Page title="Watching now" lead={`${plural(viewers, 'viewer')} of ${plural(sessions.length, 'channel')}`}>
      <div class="grid">
        {sessions.length === 0 && (
          <Card title="Sessions" wide>
            <Empty>Nobody is watching a channel.</Empty>
          </Card>
        )}
        {sessions.map(({ channel, since, upstream, how, bytesIn, failovers, breaks, gaps, viewers }) => (
          <Card
            key={channel.id}
            title={`${channel.number} ${channel.name}`}
            aside={how === 'hls' ? 'HLS' : 'transport stream'}
            wide
          >
            <p class="soft">
              {upstream === undefined
                ? 'looking for an upstream'
                : `${upstream.name} at ${upstream.host} (${upstream.kind})`}{' '}
              · since {clockWithSeconds(since)}
              {bytesIn > 0 && ` · ${size(bytesIn)} received`} ·{' '}
              {plural(failovers, 'change of upstream', 'changes of upstream')}, {plural(breaks, 'break')},{' '}
              {plural(gaps, 'gap')}
            </p>
            <Table caption={`Viewers of ${channel.name}`} head={['Viewer', 'Program', 'For', 'Sent', 'Skips']}>
              {viewers.map(({ address, userAgent, since, bytes, skips }) => (
                <tr key={`${address} ${since}`}>
                  <th scope="row">{address}</th>
                  <td class="words">{userAgent}</td>
                  <td>{duration(Date.now() - since)}</td>
                  <td>{size(bytes)}</td>
                  <td>{skips}</td>
                </tr>
              ))}
            </Table>
          </Card>
        ))}
        <Card title="Trouble lately" wide>
          {failures.length === 0 ? <Empty>None.</Empty> : <Trouble failures={failures} />}
        </Card>
      </div>
    </Page>
  )
}

function Trouble({ failures }: { failures: readonly LiveFailure[] }) {
  const ids = [...new Set(failures.map(({ channelId }) => channelId))]
  const { value: names } = useAnswer(signal => namesOf(ids, signal), [ids.join()])
  return (
    <Table caption="What went wrong with channels" head={['Channel', 'When', 'Why']}>
      {failures.map(({ channelId, at, code, reason }) => (
        <tr key={`${channelId} ${at} ${code}`}>
          <th scope="row">{names?.get(channelId) ?? ''}</th>
          <td>{moment(at)}</td>
          <td class="words">{reason}</td>
        </tr>
      ))}
    </Table>
  )
}

async function namesOf(ids: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, string>> {
  const named = await Promise.all(
    ids.map(id =>
      get<Channel>(`/api/channels/${id}`, signal).then(
        ({ number, name }) => [id, `${number} ${name}`] as const,
        () => [id, 'no longer in the lineup'] as const,
      ),
    ),
  )
  return new Map(named)
}
