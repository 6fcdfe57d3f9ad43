import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase } from '../../src/lib/sqlite.ts'
import { reelport, startServer } from '../lib/reelport.ts'
import { until } from '../lib/until.ts'

/** What goes wrong before a server serves: each has its exit code, names what is wrong and what would be right, without a stack. */

interface Expected {
  readonly code: number
  readonly says: readonly RegExp[]
}

const account = { hosts: 'http://127.0.0.1:1', username: 'someone', password: 'something' }

/** Serves with a configuration, a text or an object, that cannot work. */
async function refused(
  t: Test,
  name: string,
  { code, says }: Expected,
  config: string | object,
  prepare: (data: string) => void = () => {},
): Promise<void> {
  const directory = temporary(t)
  const data = join(directory, 'data')
  mkdirSync(data)
  prepare(data)
  const file = join(directory, 'reelport.yaml')
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 })
  const { stderr, ...ended } = await reelport(['serve', '--config', file, '--data', data])
  t.equal(ended.code, code, `${name}: ${stderr}`)
  for (const words of says) t.match(stderr, words, name)
  t.notMatch(stderr, /^\s+at .*:\d+/m, `${name}: no stack`)
  t.equal(ended.stdout, '', `${name}: nothing is said to be served`)
}

const serving = (changes: object = {}) => ({
  accounts: [account],
  nfs: { host: '127.0.0.1', port: 0, portmap: 'off' },
  http: { host: '127.0.0.1', port: 0 },
  ...changes,
})

t.test('a configuration that cannot be understood', async t => {
  await Promise.all([
    refused(
      t,
      'broken YAML',
      { code: 78, says: [/reelport\.yaml/, /line \d+|:\d+/] },
      'accounts:\n  - hosts: [unfinished\nnfs: {',
    ),
    refused(
      t,
      'unknown settings',
      { code: 78, says: [/"prot"/, /Did you mean port/, /"cach"/, /Did you mean cache/] },
      serving({ nfs: { prot: 1 }, cach: {} }),
    ),
    refused(
      t,
      'several problems at once',
      { code: 78, says: [/nfs\.port/, /65535/, /cache\.budget/, /sync\.schedule/, /accounts.*password|password/] },
      {
        accounts: [{ hosts: account.hosts, username: 'someone' }],
        nfs: { port: 70_000 },
        cache: { budget: 'much' },
        sync: { schedule: 'now and then' },
      },
    ),
  ])
  await Promise.all([
    refused(t, 'no account', { code: 78, says: [/[Nn]o account/, /config example/, /reelport demo/] }, {}),
    refused(
      t,
      'a password file that is not there',
      { code: 78, says: [/reelport\.yaml:1/, /nowhere: there is no such file/, /Name a file/] },
      { accounts: [{ hosts: account.hosts, username: 'someone', passwordFile: 'nowhere' }] },
    ),
    refused(t, 'not even YAML', { code: 78, says: [/reelport\.yaml/] }, '\u0000\u0001\u0002'),
  ])
})

t.test('a port that another program has', async t => {
  const [nfs, http] = await Promise.all([listening(t), listening(t)])
  const host = '127.0.0.1'
  await Promise.all([
    refused(
      t,
      'the NFS port',
      { code: 69, says: [new RegExp(`port ${nfs}\\b`), /nfs\.port/, /--nfs-port/] },
      serving({ nfs: { host, port: nfs, portmap: 'off' } }),
    ),
    refused(
      t,
      'the HTTP port',
      { code: 69, says: [new RegExp(`port ${http}\\b`), /http\.port/, /--http-port/] },
      serving({ http: { host, port: http } }),
    ),
    refused(
      t,
      'an address of another machine',
      { code: 69, says: [/192\.0\.2\.1/, /nfs\.host/] },
      serving({ nfs: { host: '192.0.2.1', port: 0, portmap: 'off' } }),
    ),
  ])
})

t.test('directories and files that cannot be used', async t => {
  const file = (data: string) => {
    rmSync(data, { recursive: true })
    writeFileSync(data, 'a file')
  }
  const lock = (data: string) => {
    const other = openDatabase(join(data, 'instance.sqlite'), { journal: 'delete' })
    other.exec('begin exclusive')
    t.teardown(() => other.close())
  }
  const newer = (data: string) => {
    const db = openDatabase(join(data, 'catalog.sqlite'))
    db.pragma('user_version = 999')
    db.close()
  }
  const garbage = (data: string) => writeFileSync(join(data, 'catalog.sqlite'), 'This is no database. '.repeat(1000))
  await Promise.all([
    refused(t, 'a file for a data directory', { code: 73, says: [/data directory .*data/, /--data/] }, serving(), file),
    refused(
      t,
      'another server on the same data',
      { code: 69, says: [/Another reelport runs on .*data/, /--data/] },
      serving(),
      lock,
    ),
    refused(t, 'a file for a cache directory', { code: 73, says: [/cache/, /cache\.directory/] }, serving(), data =>
      writeFileSync(join(data, 'cache'), 'a file'),
    ),
  ])
  await Promise.all([
    refused(
      t,
      'a catalogue from a later version',
      { code: 73, says: [/catalog\.sqlite/, /newer|later/] },
      serving(),
      newer,
    ),
    refused(t, 'a catalogue that is none', { code: 73, says: [/catalog\.sqlite/] }, serving(), garbage),
  ])
})

t.test(
  'directories that may not be written',
  { skip: process.getuid?.() !== 0 && 'needs to become another user' },
  async t => {
    const directory = temporary(t)
    chmodSync(directory, 0o755)
    const config = join(directory, 'reelport.yaml')
    writeFileSync(config, JSON.stringify(serving()), { mode: 0o644 })
    const mine = join(directory, 'mine')
    const theirs = join(directory, 'theirs')
    mkdirSync(mine, { mode: 0o755 })
    mkdirSync(theirs)
    chmodSync(theirs, 0o777)
    const nobody = { uid: 65_534, cwd: '/' }
    const [data, cache] = await Promise.all([
      reelport(['serve', '--config', config, '--data', mine], nobody),
      reelport(['serve', '--config', config, '--data', theirs, '--cache-directory', mine], nobody),
    ])
    if (/ERR_MODULE_NOT_FOUND|EACCES: permission denied, (open|scandir).*\.ts/.test(data.stderr)) {
      return t.pass('this checkout cannot be read by others: nothing to be tested') // the home directory of somebody
    }
    t.equal(data.code, 73, data.stderr)
    t.match(data.stderr, /Cannot write to the data directory .*mine/)
    t.equal(cache.code, 73, cache.stderr)
    t.match(cache.stderr, /cache/)
    for (const { stderr } of [data, cache]) t.notMatch(stderr, /^\s+at .*:\d+/m, 'no stack')
  },
)

t.test('commands that cannot be', async t => {
  const empty = temporary(t)
  const cases: readonly [args: string[], code: number, says: RegExp][] = [
    [['serv'], 64, /No command "serv"\. Known: .*serve/],
    [['serve', '--prot', '1'], 64, /--prot[\s\S]*reelport serve --help/],
    [['serve', '--config', join(empty, 'none.yaml')], 78, /none\.yaml/],
    [['ls', '--data', empty], 69, /No server runs on .*: start one with "reelport serve"/],
    [['sync', '--data', empty], 69, /No server runs on/],
    [['cat', '--data', empty], 64, /Which file\?/],
    [['cat', '/x', '--offset', 'half', '--data', empty], 64, /--offset half: write a number of bytes/],
    [
      ['ls', '--nfs-host', '127.0.0.1', '--nfs-port', '1', '--data', empty],
      69,
      /No NFS server answers at 127\.0\.0\.1:1/,
    ],
    [['config', 'chek'], 64, /config chek/],
  ]
  for (let at = 0; at < cases.length; at += 3) {
    await Promise.all(
      cases.slice(at, at + 3).map(async ([args, code, says]) => {
        const ended = await reelport(args, { cwd: empty })
        t.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`)
        t.match(ended.stderr, says)
        t.notMatch(ended.stderr, /^\s+at .*:\d+/m, 'no stack')
      }),
    )
  }
})

t.test('a reload while it starts does not end it', async t => {
  const directory = temporary(t)
  const data = join(directory, 'data')
  const file = join(directory, 'reelport.yaml')
  writeFileSync(file, JSON.stringify(serving({ tuner: { discovery: 'off' } })), { mode: 0o600 })
  await using server = startServer(['--config', file, '--data', data])
  await until('it to begin', () => existsSync(data))
  server.kill('SIGHUP')
  await t.resolves(server.ready)
  server.kill('SIGTERM')
  t.equal(await server.ended, 0)
})

function temporary(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'reelport-startup-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A port of the loopback that is taken. */
async function listening(t: Test): Promise<number> {
  const server: Server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>(resolve => server.close(() => resolve())))
  return (server.address() as { port: number }).port
}
