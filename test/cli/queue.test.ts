import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import t, { type Test } from 'tap'
import type { TitleStatus } from '../../src/app/index.ts'
import { lockInstance } from '../../src/app/instance.ts'
import { queueActions } from '../../src/app/queue-actions.ts'
import { parseOptions } from '../../src/cli/command.ts'
import { queueCommand } from '../../src/cli/commands/queue.ts'
import { CommandError } from '../../src/cli/exit-code.ts'
import { queueRoutes, startHttp } from '../../src/http/index.ts'
import { silentLog } from '../../src/lib/log.ts'
import { accessFor } from '../lib/access.ts'
import { reelport } from '../lib/reelport.ts'
import { startQueueing } from '../queue/queueing.ts'

/** The command, beside a real HTTP server in front of a real queue. */

const stream = { accountId: 'main', stream: 'hls', streamReason: null, form: null, reason: null, since: null } as const
const rest = { ...stream, nextTryAt: null, size: null, path: null }
const film = (id: number, name: string, year: number | null, state: 'to-make' | 'hidden' = 'to-make') => ({
  ...{ id, kind: 'movie' as const, name, year, tmdbId: null },
  streams: [{ ...rest, variantId: id, name, season: null, number: null, state }],
})
const episode = (variantId: number, season: number, number: number) => ({
  ...{ ...rest, variantId, name: 'Harbour Lights', season, number, state: 'to-make' as const },
})
const titles: readonly TitleStatus[] = [
  film(1, 'The Last Signal', 2021),
  film(2, 'The Last Signal', 1987),
  film(3, 'Lastwagen', 2020),
  film(4, 'A Film in No Library', 2003, 'hidden'),
  {
    ...{ id: 5, kind: 'show', name: 'Harbour Lights', year: 2019, tmdbId: '7' },
    streams: [episode(51, 1, 1), episode(52, 1, 2), episode(53, 2, 1), episode(54, 2, 2)],
  },
]

async function serve(t: Test) {
  const data = mkdtempSync(join(tmpdir(), 'reelport-cli-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true }))
  const it = await startQueueing(t, 0)
  for (const { name, kind, streams } of titles) {
    for (const { variantId, season, number, state } of streams) {
      const title = kind === 'show' ? `${name} - s0${season}e0${number}` : name
      if (state === 'to-make') it.candidates.add({ variantId, title })
    }
  }
  const instance = lockInstance(data)
  t.teardown(() => instance[Symbol.dispose]())
  const deps = {
    log: silentLog,
    health: () => ({}),
    ready: () => ({}),
    metrics: async () => '',
    overview: () => ({ title: '', summary: '', commands: [], counts: [], notices: [], links: [] }),
    status: () => null,
    titles: async ({ q }: { q: string }) => titles.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase())),
    actions: {},
    access: await accessFor(t, { directory: data, tokens: [instance.token] }),
  }
  const where = { host: '127.0.0.1', port: 0, allow: ['127.0.0.0/8'] }
  const http = await startHttp(where, deps, [queueRoutes(queueActions(it.queue))])
  t.teardown(() => http[Symbol.asyncDispose]())
  instance.announce({ httpUrl: http.url, nfsHost: '127.0.0.1', nfsPort: 2049 })
  return { it, data, run: (...args: readonly string[]) => runHere([...args, '--data', data]) }
}

/** As the program runs the command, without starting a process. */
async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = parseOptions(queueCommand.flags)
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const flags = values as Record<string, string | boolean | undefined>
  let [stdout, stderr] = ['', '']
  const out = { write: (text: string) => (stdout += text) } as unknown as NodeJS.WriteStream
  const err = { write: (text: string) => (stderr += text) } as unknown as NodeJS.WriteStream
  const { signal } = new AbortController()
  try {
    const json = values.json === true
    const code = await queueCommand.run({ args: positionals, flags, env: {}, cwd: tmpdir(), signal, out, err, json })
    return { code, stdout, stderr }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return { code: error.exitCode, stdout, stderr: `${stderr}${error.message}\n` }
  }
}

t.test('titles are added by words, paths and numbers, shows as their episodes in order', async t => {
  const { it, run } = await serve(t)
  it.queue.pause()
  t.match(await run('add', 'harbour lights', '--season', '2'), {
    code: 0,
    stdout: 'added: Harbour Lights (2019), season 2 (2)\n',
  })
  t.same(it.order, [53, 54])
  t.match(await run('add', 'The Last Signal (1987)', '/Movies/Lastwagen (2020) {tmdb-9}', '--top'), { code: 0 })
  t.same(it.order, [2, 3, 53, 54])
  const path = '/TV/Harbour Lights (2019) {tmdb-7}/Season 01/Harbour Lights (2019) {tmdb-7} - s01e02 - Departures.mkv'
  t.match(await run('add', path), { code: 0, stdout: 'added: Harbour Lights (2019), season 1, episode 2\n' })
  t.match(await run('add', '/TV/Harbour Lights (2019)/Season 01'), { code: 0 })
  t.same(it.order, [2, 3, 53, 54, 52, 51])
  const json = await run('add', '1', '99', '--json')
  t.same(JSON.parse(json.stdout), { changed: [1], unknown: [99] })
  const many = Array.from({ length: 600 }, (_, index) => 1_000 + index)
  it.candidates.add(...many.map(variantId => ({ variantId })))
  t.match(await run('add', ...many.map(String), '--top'), { code: 0 })
  t.same(it.order.slice(0, 601), [...many, 2], 'more than go into one request, in their order')
})

t.test('a name that may mean several titles, or none, does nothing and says so', async t => {
  const { it, run } = await serve(t)
  const several = await run('add', 'Harbour Lights', 'last signal')
  t.equal(several.code, 1)
  t.equal(several.stdout, '')
  t.match(several.stderr, /"last signal" may be any of these/)
  t.match(several.stderr, / {2}The Last Signal \(2021\), a film, 1\n {2}The Last Signal \(1987\), a film, 2\n/)
  for (const [args, code, says] of [
    [['add', 'no such thing'], 1, /No title is called "no such thing"/],
    [['add', 'lights', '--season', '7'], 1, /Harbour Lights \(2019\) has no such part, season 7/],
    [['add', 'in no library'], 1, /no library has a place for it/],
    [['add', '99'], 69, /No title has this number: 99/],
    [['add', '/TV'], 64, /a whole library/],
    [['add'], 64, /needs a number/],
    [['add', '1', '--season', 'x'], 64, /--season is a whole number/],
    [['move', '1', 'sideways'], 64, /queue move NAME top/],
    [['move', '1', 'before'], 64, /queue move NAME top/],
    [['list', 'x'], 64, /takes no names/],
    [['The Last Signal'], 64, /Nothing known as "queue The Last Signal"/],
    [['list', '--state', 'lost'], 69, /state/],
    [['pause', '1'], 69, /No entry of the queue has this number: 1/],
  ] as const) {
    const ended = await run(...args)
    t.equal(ended.code, code, args.join(' '))
    t.match(ended.stderr, says)
  }
  t.same(it.order, [])
})

t.test('entries are moved, paused and removed by the same names', async t => {
  const { it, run } = await serve(t)
  it.queue.pause()
  it.queue.add([1, 3, 51, 52], 'person', 'bottom')
  t.match(await run('move', 'harbour', 'top'), {
    code: 0,
    stdout: 'moved: Harbour Lights (2019) (2)\nnot in the queue: 53, 54\n',
  })
  t.same(it.order, [51, 52, 1, 3])
  t.match(await run('move', '3', 'before', 'harbour'), { code: 0 })
  t.same(it.order, [3, 51, 52, 1])
  t.match(await run('move', 'lastwagen', 'down'), { code: 0 })
  t.match(await run('remove', '52'), { code: 0, stdout: 'removed: number 52\n' })
  t.match(await run('pause', 'The Last Signal (2021)'), { code: 0 })
  t.match(await run('resume'), { code: 0, stdout: 'The queue is resumed.\n' })
  await it.settled()
  t.same(
    it.queue.list({}, 9).map(({ variantId, state }) => [variantId, state]),
    [
      [51, 'running'],
      [3, 'waiting'],
      [1, 'paused'],
    ],
  )
})

t.test('the list is a table whose columns are aligned, or JSON', async t => {
  const { it, run } = await serve(t)
  t.match(await run(), { code: 0, stdout: 'The queue is empty.\n' })
  it.queue.add([51, 1, 3], 'person', 'bottom')
  await it.settled()
  it.maker.running.get(51)!.onProgress({ stage: 'fetching', bytes: 2 ** 29, expectedBytes: 2 ** 30 })
  it.queue.pause([3])
  t.equal(
    (await run('list')).stdout,
    [
      '   number  state    for       progress                 title',
      '1      51  running  a person  fetching 50% of 1.0 GiB  Harbour Lights - s01e01',
      '2       1  waiting  a person                           The Last Signal',
      '3       3  paused   a person                           Lastwagen',
      '',
      '1 running, 1 waiting, 1 paused.',
      '',
    ].join('\n'),
  )
  await it.end(51, { code: 'cut-short', message: 'Segment 12 ended early' })
  it.queue.pause()
  const failed = await run('list', '--state', 'failed')
  t.match(failed.stdout, /51 {2}failed .*Harbour Lights - s01e01\n +Segment 12 ended early; tried again (soon|in \d)/)
  t.match(failed.stdout, /Everything is paused but what is being read/)
  t.match(failed.stdout, /^1 of 3 are shown/m)
  const report = JSON.parse((await run('--json', '--limit', '1')).stdout)
  t.match(report, { isPaused: true, entries: [{ variantId: 51 }] })
  t.equal(report.entries.length, 1)
})

t.test('the program knows the command, and says when no server runs', async t => {
  const { data, it } = await serve(t)
  const args = ['queue', 'add', 'lastwagen', '--data', data]
  t.match(await reelport(args), { code: 0, stdout: 'added: Lastwagen (2020)\n', stderr: '' })
  t.same(it.order, [3])
  t.match(await reelport(['queue', '--data', join(data, 'elsewhere')]), { code: 69, stderr: /No server runs on/ })
})
