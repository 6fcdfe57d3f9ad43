import type { Notice } from '../dashboard/index.ts'
import type { Status } from './status.ts'

const maxOfAKind = 3

/** What wants attention, and what to do about it; what is broken before what is only worth knowing. */
export function noticesOf(
  { nfs, accounts, catalog, queue, cache, live, plex = [] }: Status,
  { isDemo, syncFailure }: { readonly isDemo: boolean; readonly syncFailure: string | undefined },
): readonly Notice[] {
  const found: Notice[] = []
  const problem = (what: string, todo: string, page?: string) =>
    found.push({ weight: 'problem', what, todo, ...(page !== undefined && { page }) })
  const note = (what: string, todo: string, page?: string) =>
    found.push({ weight: 'note', what, todo, ...(page !== undefined && { page }) })

  if (syncFailure !== undefined) problem(`The last sync failed: ${syncFailure}`, 'Check the account', 'checks')
  for (const { accountId, sections, warnings } of catalog.syncs) {
    for (const { section, outcome, message } of sections) {
      if (outcome === 'failed' || outcome === 'implausible')
        problem(
          `${accountId}: ${section} came ${outcome === 'failed' ? 'not at all' : 'only in part'}: ${message}`,
          'Sync again later; what was known stays',
          'sync',
        )
    }
    for (const warning of warnings.slice(0, maxOfAKind)) note(`${accountId}: ${warning}`, 'See the last sync', 'sync')
  }
  if (cache.bytesInMemory > 0)
    problem(
      'The disk of the cache has no room: films being read are held in memory',
      'Free space, or lower cache.budget',
      'checks',
    )
  for (const { message } of cache.lastFailures.slice(0, maxOfAKind))
    note(`A file could not be read: ${message}`, 'It is tried again when it is read', 'logs')
  for (const { accountId, until, reason } of queue.resting)
    note(
      `${accountId} is left alone until ${new Date(until).toISOString().slice(11, 16)} UTC: ${reason}`,
      'Resume an entry to try at once',
      'queue',
    )
  if (queue.states.failed > 0)
    problem(`${count(queue.states.failed, 'title')} could not be made into a file`, 'See why, and resume them', 'queue')
  for (const { name, isWell, problems } of plex) {
    if (isWell === false)
      problem(`Plex server ${name}: ${problems[0] ?? 'not as it should be'}`, 'See all of it', 'plex')
  }
  for (const { id, slots } of accounts) {
    const waiting = Object.values(slots.waiting).reduce((sum, number) => sum + number, 0)
    if (waiting > 0)
      note(
        `${count(waiting, 'request')} of ${id} wait${waiting === 1 ? 's' : ''} for one of its ${slots.limit} connections`,
        'What is watched goes first',
        'overview',
      )
  }
  if (catalog.failed > 0)
    note(
      `${count(catalog.failed, 'stream')} could not be read at the provider, and are not listed`,
      'See why; they are tried again',
      'library/problems',
    )
  if ((live?.failures.length ?? 0) > 0)
    note(`Channels had trouble lately: ${live!.failures[0]!.reason}`, 'See which', 'channels')
  if (nfs.refusedConnections > 0)
    note(`${count(nfs.refusedConnections, 'NFS connection')} refused`, 'Is the client’s address in nfs.allow?', 'nfs')
  if (isDemo) note('This is the demo: no account is configured', 'Set up your provider', 'setup')
  if (nfs.clients.length === 0) note('No client has mounted this server', 'Mount it', 'mount')
  return found.sort((a, b) => Number(a.weight === 'note') - Number(b.weight === 'note'))
}

const count = (number: number, what: string) => `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
