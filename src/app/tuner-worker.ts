/**
 * The thread of lineup and guide: the only writer of `lineup.sqlite` and of the directory `guide`. A provider has tens of
 * thousands of channels and a guide of hundreds of megabytes; none of it ever holds up the thread that answers clients.
 */
import { workerData } from 'node:worker_threads'
import { openCatalog } from '../catalog/index.ts'
import { type GuideSource, openGuide } from '../guide/index.ts'
import { systemClock } from '../lib/clock.ts'
import { type Channel, type Lineup, openLineup } from '../lineup/index.ts'
import { fetchDocument, openAccount } from '../provider/index.ts'
import { newDeviceId } from '../tuner/index.ts'
import { fromPlain } from './plain-account.ts'
import { serveMainThread } from './thread-worker.ts'
import type { TunerEvent, TunerRequest, TunerWorkerData } from './tuner-messages.ts'

/** The provider's own guides come after those that people chose. */
const providerPriority = 100

serveMainThread<TunerRequest, TunerEvent>(({ log, tell }) => {
  const data = workerData as TunerWorkerData
  const stop = new AbortController()
  const accounts = new Map(
    data.accounts
      .map(fromPlain)
      .map(account => [account.id, openAccount(account, { log: log.child({ part: 'provider' }) })]),
  )
  const catalog = openCatalog(data.catalogPath)
  const lineup = openLineup(data.lineupPath, data.lineup, {
    newDeviceId,
    clock: systemClock,
    log: log.child({ part: 'lineup' }),
  })
  const guide = openGuide(data.guideDirectory, data.guide, {
    sources: sourcesOf(),
    ...(data.askShort && {
      askShort: (upstream, limit, signal) =>
        accounts.get(upstream.accountId)?.shortGuide(upstream.locator, limit, signal) ?? Promise.resolve(undefined),
    }),
    clock: systemClock,
    log: log.child({ part: 'guide' }),
  })
  let published: Lineup | undefined
  publish(lineup.current())
  tellGuides()

  function sourcesOf(): readonly GuideSource[] {
    const own = data.providerGuide
      ? [...accounts].map(([id, account]): GuideSource => {
          return {
            name: `account ${id}`,
            priority: providerPriority,
            open: (validators, signal) => account.guide(validators, signal),
          }
        })
      : []
    const others = data.guides.map(({ name, priority, address }): GuideSource => {
      return { name, priority, open: (validators, signal) => fetchDocument(address, validators, signal) }
    })
    return [...others, ...own]
  }

  function publish(now: Lineup): void {
    published = now
    guide.setDevices(now.devices.map(({ index, channels }) => ({ index, channels: channels.map(guideChannel) })))
    tell({ type: 'lineup', lineup: now })
  }

  /** The guide follows; after a rebuild it is asked for, as its sources are to be read, too. */
  function changed(now: Lineup): void {
    if (now === published) return
    publish(now)
    makeGuide('build').catch(error => {
      if (!stop.signal.aborted) log.error({ error }, 'the guide could not be laid out')
    })
  }

  function tellGuides(): void {
    const files = lineup.current().devices.flatMap(({ index }) => {
      const file = guide.latest(index)
      return file === undefined ? [] : [[index, file] as const]
    })
    tell({ type: 'guides', files: new Map(files) })
  }

  /** One after another: each reads what the one before has written. */
  let working: Promise<unknown> = Promise.resolve()

  function next<T>(work: () => Promise<T>): Promise<T> {
    const run = working.then(() => {
      stop.signal.throwIfAborted()
      return work()
    })
    working = run.catch(() => {})
    return run
  }

  /** `refresh` reads sources again, `build` lays out what is known. */
  const makeGuide = (how: 'refresh' | 'build') =>
    next(async () => {
      const report = await guide[how](stop.signal)
      tellGuides()
      return report
    })

  return {
    answer(request) {
      switch (request.type) {
        case 'rebuild':
          return publish(lineup.rebuild(catalog.channels()))
        case 'find':
          return lineup.find(request.text, request.limit, request.after)
        case 'show':
          return lineup.show(request.channelId)
        case 'override':
          changed(lineup.override(request.channelId, request.patch))
          return lineup.show(request.channelId)
        case 'toTest':
          return lineup.toTest(request.limit, systemClock.now())
        case 'recordTests':
          return changed(lineup.recordTests(request.results))
        case 'lineupReport':
          return lineup.report()
        case 'guideReport':
          return guide.report()
        case 'refreshGuide':
          return makeGuide('refresh')
        case 'buildGuide':
          return makeGuide('build')
        case 'programmes':
          return guide.programmes(request.channelId, request.from, request.to)
      }
    },
    async stop() {
      stop.abort(new Error('The server is stopping'))
      await working
      for (const account of accounts.values()) await account[Symbol.asyncDispose]()
      guide[Symbol.dispose]()
      lineup[Symbol.dispose]()
      catalog[Symbol.dispose]()
    },
  }
})

function guideChannel(channel: Channel) {
  const { id, number, guideId, name, logo, group, guideHints: hints, shiftMinutes, isDead } = channel
  return {
    ...{ id, number, guideId, name, hints, shiftMinutes, isDead },
    ...(logo !== undefined && { logo }),
    ...(group !== undefined && { group }),
    upstreams: channel.upstreams.map(({ accountId, locator }) => ({ accountId, locator })),
  }
}
