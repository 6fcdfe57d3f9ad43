import { type Procedure, waitBucketsMs } from '../../model.ts'
import { moment, number, percent, plural, size } from '../format.ts'
import { samples } from '../history.ts'
import { Card, Empty, Figure, Page, Table } from '../parts.tsx'
import { Plot } from '../plot.tsx'
import { state } from '../store.ts'

const perSecond = (value: number) => `${number(Math.round(value))}/s`
const ms = (value: number) => `${number(Math.round(value * 10) / 10)} ms`

/** Operations: how many, and how long they took that were not answered at once. */
export function NfsPage() {
  const { nfs } = state.value!
  const { at, calls, waitMs } = samples.value
  const procedures = Object.entries(nfs.procedures).sort(([, a], [, b]) => b.calls - a.calls)
  return (
    <Page title="NFS" lead={`${nfs.host}:${nfs.port} exports ${nfs.exports.join('  ')}`}>
      <dl class="figures">
        <Figure label="Sent" value={size(nfs.bytesRead)} />
        <Figure label="Waiting reads" value={number(nfs.heldReads)} />
        <Figure label="Told to ask again" value={number(nfs.jukeboxAnswers)} />
        <Figure label="Answers from memory" value={percent(nfs.cacheHits, nfs.cacheHits + nfs.cacheMisses)} />
        <Figure label="Refused connections" value={number(nfs.refusedConnections)} />
      </dl>
      <div class="grid">
        <Card title="Operations" aside="each second">
          <Plot
            at={at}
            format={perSecond}
            least={10}
            lines={[{ label: 'Calls', colour: '--line-1', values: calls }]}
            summary={`Calls now: ${perSecond(calls.at(-1) ?? 0)}.`}
          />
        </Card>
        <Card title="Latency" aside="of calls not answered at once, on average">
          <Plot
            at={at}
            format={ms}
            least={10}
            lines={[{ label: 'Wait', colour: '--line-2', values: waitMs }]}
            summary={`Wait now: ${ms(waitMs.at(-1) ?? 0)}.`}
          />
        </Card>
        <Card title="Procedures" wide>
          {procedures.length === 0 ? (
            <Empty>No calls yet.</Empty>
          ) : (
            <Table caption="Procedures" head={['Procedure', 'Calls', 'Errors', 'At once', 'Mean wait', '95 % within']}>
              {procedures.map(([name, { calls, errors, waited, waitedMs, buckets }]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{number(calls)}</td>
                  <td>{number(errors)}</td>
                  <td>{percent(calls - waited, calls)}</td>
                  <td>{waited === 0 ? '–' : ms(waitedMs / waited)}</td>
                  <td>{within(0.95, waited, buckets)}</td>
                </tr>
              ))}
            </Table>
          )}
        </Card>
        <Card title="Clients" aside={plural(nfs.clients.length, 'client')} wide>
          {nfs.clients.length === 0 ? (
            <Empty>
              Nobody is connected. <a href="#/mount">How to mount</a>
            </Empty>
          ) : (
            <Table caption="Clients" head={['Address', 'Mounted', 'Connections', 'Since']}>
              {nfs.clients.map(({ address, mounted, connections, since }) => (
                <tr key={address}>
                  <th scope="row">{address}</th>
                  <td>{mounted ?? 'earlier'}</td>
                  <td>{connections}</td>
                  <td>{moment(since)}</td>
                </tr>
              ))}
            </Table>
          )}
        </Card>
      </div>
    </Page>
  )
}

/** The bound that this share of the waits kept. */
function within(share: number, waited: number, buckets: Procedure['buckets']): string {
  if (waited === 0) return '–'
  let seen = 0
  const at = buckets.findIndex(count => {
    seen += count
    return seen >= waited * share
  })
  const bound = waitBucketsMs[at]
  return bound === undefined ? `over ${ms(waitBucketsMs.at(-1)!)}` : ms(bound)
}
