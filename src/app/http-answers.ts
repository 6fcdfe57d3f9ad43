import type { HttpDeps, Overview } from '../http/index.ts'
import { formatSize } from '../lib/units.ts'
import type { Parts } from './app.ts'
import { mountCommand, reachableBy } from './mounting.ts'
import { statusOf } from './status.ts'

/** What the HTTP server asks of the running parts. */
export function httpAnswers(parts: Parts): Pick<HttpDeps, 'health' | 'ready' | 'overview' | 'status' | 'titles'> {
  const { catalog, materializer, syncs } = parts
  return {
    health() {
      const { bytesInMemory } = materializer.stats()
      return {
        catalogue: { ok: catalog.node(catalog.root) !== undefined },
        cache: {
          ok: true,
          ...(bytesInMemory > 0 && { reason: 'the disk has no room: films being read are held in memory' }),
        },
      }
    },
    ready() {
      const { files } = catalog.totals()
      const synced = catalog.summary().syncs.length > 0
      const reason = syncs.state.progress === undefined ? 'nothing was synced yet' : 'the first sync is under way'
      return { catalogue: files > 1 || synced ? { ok: true } : { ok: false, reason } }
    },
    overview: () => overviewOf(parts),
    status: () => statusOf(parts),
    titles: ({ q, limit }) => catalog.find(q, limit),
  }
}

function overviewOf({ config, version, catalog, materializer, nfs, syncs }: Parts): Overview {
  const { titles, waiting, toMake, failed, syncs: reports } = catalog.summary()
  const { bytesCached, budgetBytes, lastFailures } = materializer.stats()
  const { here, elsewhere } = reachableBy(config.nfs.host)
  const target = { host: elsewhere ?? here, port: nfs.port, path: config.nfs.exports[0] ?? '/' }
  const number = (value: number) => value.toLocaleString('en')
  return {
    title: `reelport ${version}`,
    summary: `Serves ${config.accounts.map(({ id }) => `account ${id}`).join(', ')} over NFS.`,
    commands: [{ label: 'Mount it (as root)', command: mountCommand(target, '/mnt') }],
    counts: [
      { label: 'Films', value: number(titles.movie) },
      { label: 'Shows', value: number(titles.show) },
      { label: 'Files', value: number(nfsFiles(catalog)) },
      { label: 'Waiting for their size', value: number(waiting) },
      { label: 'Waiting to be made', value: number(toMake) },
      { label: 'Not readable', value: number(failed) },
      { label: 'Clients', value: number(nfs.stats().clients.length) },
      { label: 'Cached', value: `${formatSize(bytesCached)} of ${formatSize(budgetBytes)}` },
    ],
    notices: [
      ...(syncs.state.progress === undefined ? [] : ['A sync is under way.']),
      ...reports.flatMap(({ warnings }) => warnings),
      ...lastFailures.slice(0, 5).map(({ message }) => message),
    ],
    links: [
      { label: 'API', href: '/api/docs' },
      { label: 'Status (JSON)', href: '/api/status' },
      { label: 'Titles (JSON)', href: '/api/titles' },
      { label: 'Queue (JSON)', href: '/api/queue' },
      { label: 'Metrics (Prometheus)', href: '/metrics' },
      { label: 'Health', href: '/healthz' },
    ],
  }
}

const nfsFiles = ({ summary }: Parts['catalog']) => summary().libraries.reduce((sum, { files }) => sum + files, 0)
