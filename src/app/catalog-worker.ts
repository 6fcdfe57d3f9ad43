/**
 * The catalogue's thread: the only writer of `catalog.sqlite`, and the one that talks to the provider's API, so that a sync
 * of any size never holds up the thread that answers NFS. Requests are served as they come; a sync lets others in between
 * its batches.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { openCatalogWriter, type SyncReport } from '../catalog/index.ts'
import type { Logger } from '../lib/log.ts'
import { openAccount } from '../provider/index.ts'
import { type CatalogWorkerData, type FromCatalog, fromPlain, type ToCatalog } from './catalog-messages.ts'

const port = parentPort
if (port === null) throw new Error('catalog-worker.ts runs as a worker thread only')
const { path, options, accounts } = workerData as CatalogWorkerData

const post = (message: FromCatalog) => port.postMessage(message)
const log = postingLog({})
const stop = new AbortController()
const opened = new Map(
  accounts.map(fromPlain).map(account => [account.id, openAccount(account, { log: log.child({ part: 'provider' }) })]),
)
const writer = openCatalogWriter(path, { ...options, log: log.child({ part: 'catalog' }) })
writer.retire()
post({ type: 'open' })

port.on('message', async (message: ToCatalog) => {
  const { call } = message
  try {
    post({ type: 'done', call, reports: await serve(message) })
  } catch (error) {
    post({ type: 'failed', call, error: error instanceof Error ? error : new Error(String(error)) })
  }
  if (message.type === 'stop') port.close()
})

async function serve(message: ToCatalog): Promise<readonly SyncReport[]> {
  switch (message.type) {
    case 'sync':
      return await sync(message)
    case 'record':
      post({ type: 'changes', changes: writer.record(message.results) })
      return []
    case 'noteFindings':
      writer.noteFindings(message.found)
      return []
    case 'invalidate':
      post({ type: 'changes', changes: writer.invalidate(message.renditionId, message.reason) })
      return []
    case 'stop':
      stop.abort(new Error('The server is stopping'))
      await syncing
      for (const account of opened.values()) await account[Symbol.asyncDispose]()
      writer[Symbol.dispose]()
      return []
  }
}

type SyncRequest = Extract<ToCatalog, { type: 'sync' }>

/** Syncs run one after another, also those that were asked for at the same time. */
let syncing: Promise<unknown> = Promise.resolve()

function sync({ accountIds, acceptShrinking }: SyncRequest): Promise<readonly SyncReport[]> {
  const run = syncing.then(async () => {
    const reports: SyncReport[] = []
    for (const id of accountIds) {
      const account = opened.get(id)
      if (account === undefined) throw new Error(`No account "${id}" is configured`)
      if (stop.signal.aborted) break
      const report = await writer.sync(account.snapshot, {
        signal: stop.signal,
        acceptShrinking,
        onProgress: progress => post({ type: 'progress', progress }),
        onChanges: changes => post({ type: 'changes', changes }),
      })
      reports.push(report)
    }
    post({ type: 'changes', changes: writer.retire() })
    return reports
  })
  syncing = run.catch(() => {})
  return run
}

/** A logger whose lines are written by the main thread. */
function postingLog(bound: object): Logger {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) =>
    post({ type: 'log', level, fields: { ...bound, ...fields }, message })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => postingLog({ ...bound, ...fields }),
  }
}
