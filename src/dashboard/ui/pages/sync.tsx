import type { SyncReport } from '../../model.ts'
import { act } from '../api.ts'
import { clock, duration, moment, number } from '../format.ts'
import { Act, Badge, Card, Empty, Page, Table } from '../parts.tsx'
import { state } from '../store.ts'

/** How the catalogue was brought up to date. */
export function SyncPage() {
  const { isRunning, progress, nextAt, runs, reports } = state.value!.sync
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
      <div class="grid">
        {reports.map(report => (
          <Report key={report.accountId} report={report} />
        ))}
        <Card title="Since the start" wide>
          {runs.length === 0 ? (
            <Empty>No sync has ended since the server was started.</Empty>
          ) : (
            <Table caption="Syncs since the start" head={['Ended', 'Result', 'Added', 'Changed', 'Gone', 'Took']}>
              {runs.map(({ number: run, finishedAt, failure, reports = [] }) => {
                const sum = (of: (report: SyncReport) => number) =>
                  number(reports.reduce((total, report) => total + of(report), 0))
                const rows = (name: 'added' | 'updated' | 'missing') =>
                  sum(({ sections }) => sections.reduce((total, section) => total + section[name], 0))
                const begun = Math.min(...reports.map(({ startedAt }) => startedAt))
                return (
                  <tr key={run}>
                    <th scope="row">{moment(finishedAt)}</th>
                    <td class="words">
                      {failure === undefined ? (
                        <Badge tone="good">done</Badge>
                      ) : (
                        <>
                          <Badge tone="bad">failed</Badge>
                          <small>{failure}</small>
                        </>
                      )}
                    </td>
                    <td>{rows('added')}</td>
                    <td>{rows('updated')}</td>
                    <td>{rows('missing')}</td>
                    <td>{reports.length === 0 ? '' : duration(finishedAt - begun)}</td>
                  </tr>
                )
              })}
            </Table>
          )}
        </Card>
      </div>
    </Page>
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
