import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startDemo } from '../lib/demo.ts'
import { connectNfs, files, titleFiles } from '../lib/nfs-client.ts'
import { reelport, startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/**
 * A whole run with credentials that are known here, with everything logged that can be: through a sync, measuring, playing,
 * and failures of all kinds. Neither of the two may turn up anywhere.
 */

const username = 'uw6Ahn4ee-user'
const password = 'Ohx9&xei/7+pass word'

/** As they are, and as they stand in URLs, in forms and in JSON. */
const forbidden = [username, password, encodeURIComponent(password), new URLSearchParams({ password }).toString()]
  .map(text => text.replace(/^password=/, ''))
  .concat(encodeURI(password), Buffer.from(password).toString('base64'), Buffer.from(username).toString('base64'))

t.test('credentials are nowhere but where they were written', async t => {
  const data = mkdtempSync(join(tmpdir(), 'reelport-secret-'))
  const elsewhere = mkdtempSync(join(tmpdir(), 'reelport-config-'))
  t.teardown(() => {
    for (const directory of [data, elsewhere]) rmSync(directory, { recursive: true, force: true })
  })
  await using demo = await startDemo({ credentials: { username, password } })
  const config = join(elsewhere, 'reelport.yaml')
  const write = (changes: { password?: string; hosts?: string } = {}) =>
    writeFileSync(
      config,
      JSON.stringify({
        accounts: [{ hosts: demo.url, username, password, ...changes, timeouts: { headers: '1s', stall: '1s' } }],
        libraries: [
          { name: 'Movies', kind: 'movies', sidecars: { nfo: true, artwork: true } },
          { name: 'TV', kind: 'shows', sidecars: { nfo: true, artwork: true } },
        ],
        nfs: { host: '127.0.0.1', port: 0, portmap: 'off', hold: '1s' },
        http: { host: '127.0.0.1', port: 0 },
        cache: { reserve: 0 },
        measure: { perSecond: 500 },
        log: { level: 'debug', format: 'json' },
      }),
      { mode: 0o600 },
    )
  write()
  const args = ['--config', config, '--data', data]
  const told: [where: string, text: string][] = []
  const command = async (...words: string[]) => {
    const { code, stdout, stderr } = await reelport([...words, ...args])
    told.push([`reelport ${words.join(' ')}`, stdout + stderr])
    return { code, stdout }
  }

  await using server = startServer(args)
  await server.ready
  const note = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8')) as { httpUrl: string; nfsPort: number }
  const ask = async (path: string) => {
    const text = await (await fetch(`${note.httpUrl}${path}`)).text()
    told.push([`GET ${path}`, text])
    return text
  }
  const everything = async () => {
    for (const path of [
      '/plain',
      '/api/logs?level=debug&limit=1000',
      '/api/library',
      '/api/status',
      '/api/titles?limit=500',
      '/metrics',
      '/healthz',
      '/readyz',
      '/nothing',
    ]) {
      await ask(path)
    }
  }
  await until('everything to be measured', async () => {
    const { catalog } = JSON.parse(await (await fetch(`${note.httpUrl}/api/status`)).text())
    return catalog.titles.movie > 0 && catalog.waiting === 0
  })
  await using client = await connectNfs(note.nfsPort)
  const all = titleFiles(await client.walk())
  const beside = files(await client.walk()).filter(seen => !all.some(({ path }) => path === seen.path))
  for (const { path, handle, attributes } of beside) {
    told.push([path, (await client.read(handle, 0, attributes.size)).toString('latin1')])
  }
  t.ok(beside.length > 20, `${beside.length} files lie beside titles`)
  await client.read(all[0]!.handle, 0, all[0]!.attributes.size)
  await everything()

  const faults = [
    { status: 403 },
    { status: 404 },
    { status: 458, times: 2 },
    { status: 500, times: 2 },
    { instead: 'html' as const },
    { cutAfter: 1000, times: 2 },
    { stallAfter: 1000, times: 1 },
    { redirect: true, tokenUses: 1 },
    { redirect: true, status: 403 },
    { noRanges: true, validators: 'none' as const },
    { revision: 1 },
    { latencyMs: 1500, times: 1 },
  ]
  await Promise.all(
    faults.map(async (fault, index) => {
      demo.faults.answers = { ...demo.faults.answers, [target(all[index + 1]!.attributes.size)]: fault }
      const { handle, attributes } = all[index + 1]!
      await client.read(handle, attributes.size - 5000, 5000).catch(error => told.push(['READ', String(error)]))
    }),
  )
  await command('status')
  for (const trouble of [{ status: 403 }, { instead: 'html' as const }]) {
    demo.faults.answers['api/*'] = trouble
    await command('sync')
  }
  await command('doctor')
  await everything()
  look()
  demo.faults.answers = {}
  demo.faults.catalogue = { gone: ['movie/101'] }
  await command('sync', '--json')
  await command('config', 'check', '--json')
  await command('ls', '--recursive')
  write({ password: 'not-this-one' })
  t.equal((await command('doctor')).code, 1, 'a wrong password is found')
  write({ hosts: `${demo.url}/player_api.php?username=${username}&password=${encodeURIComponent(password)}x` })
  await command('doctor')
  write({ hosts: 'http://127.0.0.1:1' })
  await command('doctor', '--json')
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
  told.push(['the log', server.stderr()], ['standard output', server.stdout()])
  t.match(server.stderr(), /"level":"debug"/, 'everything was logged')

  for (const [where, text] of told) {
    const found = forbidden.filter(secret => text.includes(secret))
    if (found.length > 0) t.fail(`${where} tells ${found.join(', ')}`, { text: around(text, found[0]!) })
  }
  look()
  t.notOk(existsSync(join(data, 'instance.json')), 'and nothing of the running server is left')

  /** Looks through the bytes of everything that the server keeps. */
  function look(): void {
    const kept = filesBelow(data)
    t.ok(kept.some(path => path.endsWith('catalog.sqlite')) && kept.length > 10, `${kept.length} files are kept`)
    for (const path of kept) {
      const bytes = readFileSync(path)
      const found = forbidden.filter(secret => bytes.includes(secret))
      if (found.length > 0) t.fail(`${path} holds ${found.join(', ')}`)
    }
  }

  /** The stream of this size: sizes differ from file to file. */
  function target(size: number): string {
    const { catalogue } = demo
    const movie = [...catalogue.movies()].find(({ media }) => media.bytes === size)
    if (movie !== undefined) return `movie/${movie.id}`
    const episodes = [...catalogue.shows()].flatMap(show => catalogue.episodes(show))
    return `series/${episodes.find(({ media }) => media.bytes === size)!.id}`
  }
})

function filesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

const around = (text: string, secret: string) =>
  text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 200)
