import type { SyncReport } from '../../model.ts'
import { act, get, type PastSync } from '../api.ts'
import { clock, duration, moment, number } from '../format.ts'
import { Act, Badge, Card, Empty, Page, Table, useAnswer } from '../parts.tsx'
import { state } from '../store.ts'
import { SyncProgress } from '../sync-progress.tsx'

/** How the catalogue was brought up to date. */
export function SyncPage() {
  const { sync } = state.value!
  const { isRunning, nextAt, reports } = sync
  return (
    <Page
      title="Sync"
      lead={
        isRunning
          ? 'A sync is under way.'
          : nextAt === undefined
            ? 'No sync is planned.'
            : `The next sync is at ${clock(nextAt)}.`
      }
      tools={
        <Act
          label="Sync now"
          kind="main"
          done="A sync has begun."
          disabled={isRunning}
          action={() => act('POST', '/api/sync', {})}
        />
      }
    >
      <SyncProgress sync={sync} />
      <div class="grid">
        {reports.map(report => (
          <Report key={report.accountId} report={report} />
        ))}
        <History ended={reports.map(({ finishedAt }) => finishedAt).join()} />
      </div>
    </Page>
  )
}

const outcomes = {
  complete: { tone: 'good', word: 'complete' },
  partial: { tone: 'bad', word: 'in part' },
  failed: { tone: 'bad', word: 'failed' },
} as const

/** Those of earlier starts, too. `ended` is another text whenever one has ended. */
function History({ ended }: { ended: string }) {
  const { value: syncs, error } = useAnswer(signal => get<readonly PastSync[]>('/api/syncs', signal), [ended])
  return (
    <Card title="History" wide>
      {error !== undefined && <Empty>{error}</Empty>}
      {syncs === undefined && error === undefined && <Empty>Looking …</Empty>}
      {syncs?.length === 0 && <Empty>No sync has ended yet.</Empty>}
      {syncs !== undefined && syncs.length > 0 && (
        <Table
          caption="Syncs so far"
          head={['Ended', 'Account', 'Answer', 'Added', 'Changed', 'Gone', 'Episodes', 'Took']}
        >
          {syncs.map(({ id, accountId, startedAt, finishedAt, outcome, reason, added, updated, missing, episodes }) => (
            <tr key={id}>
              <th scope="row">{moment(finishedAt)}</th>
              <td>{accountId}</td>
              <td class="words">
                <Badge tone={outcomes[outcome].tone}>{outcomes[outcome].word}</Badge>
                {reason !== null && <small>{reason}</small>}
              </td>
              <td>{number(added)}</td>
              <td>{number(updated)}</td>
              <td>{number(missing)}</td>
              <td>{number(episodes)}</td>
              <td>{duration(finishedAt - startedAt)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function Report({ report: { accountId, finishedAt, sections, episodes, warnings } }: { report: SyncReport }) {
  return (
    <Card title={`Last sync of ${accountId}`} aside={moment(finishedAt)} wide>
      <Table
        caption={`Last sync of ${accountId}`}
        head={['Part', 'Answer', 'Listed', 'Added', 'Changed', 'Gone', 'Refused']}
      >
        {sections.map(({ section, outcome, message, listed, added, updated, missing, rejected }) => (
          <tr key={section}>
            <th scope="row">{section}</th>
            <td class="words">
              <Badge tone={outcome === 'complete' ? 'good' : 'bad'}>{outcome}</Badge>
              {message !== undefined && <small>{message}</small>}
            </td>
            <td>{number(listed)}</td>
            <td>{number(added)}</td>
            <td>{number(updated)}</td>
            <td>{number(missing)}</td>
            <td>{number(rejected)}</td>
          </tr>
        ))}
      </Table>
      <p class="soft">
        Episodes of {number(episodes.fetched)} shows were fetched, {number(episodes.added)} are new
        {episodes.failed > 0 && `, ${number(episodes.failed)} shows failed`}.
      </p>
      {warnings.map(warning => (
        <p key={warning} class="reason">
          {warning}
        </p>
      ))}
    </Card>
  )
}
