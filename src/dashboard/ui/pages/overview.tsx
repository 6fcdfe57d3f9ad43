import { number, percent, plural, rate, size } from '../format.ts'
import { samples } from '../history.ts'
import { Card, Empty, Figure, Meter, Page } from '../parts.tsx'
import { Plot } from '../plot.tsx'
import { state } from '../store.ts'
import './overview.css'

const uses = { live: 'live', play: 'playing', scan: 'scanning', measure: 'measuring' } as const

/** How it is, in one look. */
export function Overview() {
  const { server, catalog, nfs, cache, accounts, live, notices } = state.value!
  const { at, nfsBytes, fetchedBytes, liveBytes } = samples.value
  const files = catalog.libraries.reduce((sum, library) => sum + library.files, 0)
  return (
    <Page
      title="Overview"
      lead={`reelport ${server.version} serves ${server.isDemo ? 'the demo provider' : accounts.map(({ id }) => id).join(', ')} from ${nfs.host}:${nfs.port}.`}
    >
      <dl class="figures">
        <Figure label="Films" value={number(catalog.titles.movie)} />
        <Figure label="Shows" value={number(catalog.titles.show)} more={plural(catalog.streams.episode, 'episode')} />
        <Figure
          label="Files served"
          value={number(files)}
          {...(catalog.waiting > 0 && { more: `${number(catalog.waiting)} to come` })}
        />
        <Figure label="Channels" value={number(live?.channels ?? 0)} />
        <Figure label="Clients" value={number(nfs.clients.length)} />
        <Figure label="Served so far" value={size(nfs.bytesRead)} />
      </dl>
      <div class="grid">
        <Card title="Throughput" aside="the last hour" wide>
          <Plot
            at={at}
            format={rate}
            least={1024}
            isBytes
            lines={[
              { label: 'To NFS clients', colour: '--line-1', values: nfsBytes },
              { label: 'From providers', colour: '--line-2', values: fetchedBytes },
              { label: 'To viewers', colour: '--line-3', values: liveBytes },
            ]}
            summary={`Throughput now: ${rate(nfsBytes.at(-1) ?? 0)} to NFS clients, ${rate(fetchedBytes.at(-1) ?? 0)} from providers, ${rate(liveBytes.at(-1) ?? 0)} to viewers.`}
          />
        </Card>
        <Card title="Worth attention" aside={notices.length > 0 ? number(notices.length) : undefined}>
          {notices.length === 0 ? (
            <Empty>All is well.</Empty>
          ) : (
            <ul class="notices">
              {notices.map(({ weight, what, todo, page }) => (
                <li key={what} class={weight}>
                  <strong class="sr">{weight === 'problem' ? 'Problem: ' : 'Note: '}</strong>
                  {what}
                  {todo !== undefined &&
                    (page === undefined ? (
                      <span class="todo">{todo}</span>
                    ) : (
                      <a class="todo" href={`#/${page}`}>
                        {todo}
                      </a>
                    ))}
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Cache and connections">
          <Meter
            label="Cache on disk"
            value={cache.bytesCached}
            max={cache.budgetBytes}
            text={`${size(cache.bytesCached)} of ${size(cache.budgetBytes)}`}
          />
          <p class="soft">
            {plural(cache.entries, 'file')}
            {cache.hits + cache.misses > 0 &&
              ` · ${percent(cache.hits, cache.hits + cache.misses)} of reads answered from here`}
            {cache.fetches > 0 && ` · ${plural(cache.fetches, 'request')} under way`}
          </p>
          {accounts.map(({ id, limit, inUse }) => {
            const used = Object.values(inUse).reduce((sum, count) => sum + count, 0)
            const words = Object.entries(uses).flatMap(([use, word]) => {
              const count = inUse[use as keyof typeof uses]
              return count > 0 ? [`${count} ${word}`] : []
            })
            return (
              <Meter
                key={id}
                label={`Connections to ${id}`}
                value={used}
                max={limit}
                text={`${used} of ${limit}${words.length > 0 ? `: ${words.join(', ')}` : ''}`}
              />
            )
          })}
        </Card>
        <Card title="Exported" wide>
          <ul class="rows">
            {catalog.libraries.map(({ name, files }) => (
              <li key={name}>
                <code>/{name}</code>
                <span>{plural(files, 'file')}</span>
              </li>
            ))}
          </ul>
          <h3>Mounted by</h3>
          {nfs.clients.length === 0 ? (
            <Empty>
              Nobody yet. <a href="#/mount">How to mount</a>
            </Empty>
          ) : (
            <ul class="rows">
              {nfs.clients.map(({ address, connections, mounted }) => (
                <li key={address}>
                  <code>{address}</code>
                  <span>
                    {mounted ?? 'mounted earlier'} · {plural(connections, 'connection')}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Card>
      </div>
    </Page>
  )
}
