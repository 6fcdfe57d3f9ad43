import { chmodSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { type Account, type Config, ConfigError, loadConfig } from '../../src/config/index.ts'
import type { Secret } from '../../src/lib/secret.ts'

const cwd = t.testdir()
let files = 0

function write(text: string, mode = 0o600, name = `f${files++}`): string {
  const path = join(cwd, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

function load(yaml: string, env: Record<string, string> = {}): Config {
  return loadConfig({ file: write(yaml), env, cwd })
}

/** The problems that loading ends with. */
function failure(load: () => unknown): ConfigError {
  try {
    load()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}

/** An account with its secrets laid open. */
function open(account: Account | undefined): Record<string, unknown> {
  const reveal = (value: unknown) => (value as Secret | undefined)?.reveal()
  const { userAgent, timeouts, settleMs, ...rest } = account as unknown as Record<string, unknown>
  const secrets = ['username', 'password', 'playlist'].flatMap(name =>
    name in rest ? [[name, reveal(rest[name])]] : [],
  )
  return { ...rest, ...Object.fromEntries(secrets) }
}

t.test('the base URL and the credentials are found in what people paste', async t => {
  const table: readonly (readonly [pasted: string, url: string, username?: string, password?: string])[] = [
    ['tv.example.com', 'http://tv.example.com'],
    ['tv.example.com:8080', 'http://tv.example.com:8080'],
    ['http://tv.example.com:8080/', 'http://tv.example.com:8080'],
    ['https://tv.example.com:443', 'https://tv.example.com'],
    ['HTTP://TV.Example.com/server1/', 'http://tv.example.com/server1'],
    ['http://tv.example.com/c/', 'http://tv.example.com'],
    [
      'http://tv.example.com:80/player_api.php?username=ann&password=p%26q%2Fr',
      'http://tv.example.com',
      'ann',
      'p&q/r',
    ],
    [
      'http://tv.example.com/sub/get.php?username=a+b&password=1&type=m3u_plus&output=ts',
      'http://tv.example.com/sub',
      'a b',
      '1',
    ],
    ['http://tv.example.com/xmltv.php?username=ann&password=x', 'http://tv.example.com', 'ann', 'x'],
    ['http://ann:p%40ss@tv.example.com:81', 'http://tv.example.com:81', 'ann', 'p@ss'],
    ['http://ann:50%@tv.example.com', 'http://tv.example.com', 'ann', '50%'],
    ['http://[2001:db8::1]:8080/player_api.php', 'http://[2001:db8::1]:8080'],
  ]
  for (const [pasted, url, username = 'given', password = 'given'] of table) {
    const both = username === 'given' ? 'username: given, password: given, ' : ''
    const { accounts } = load(`accounts: [{${both}hosts: ['${pasted}']}]`)
    t.same(open(accounts[0]), { id: 'main', type: 'xtream', hosts: [url], username, password }, pasted)
  }
  for (const pasted of [
    'ftp://tv.example.com',
    'http://',
    'tv example',
    'http://a b',
    'file:///etc/passwd',
    'rtmp://x',
  ]) {
    t.throws(() => load(`accounts: [{username: u, password: p, hosts: ['${pasted}']}]`), ConfigError, pasted)
  }
})

t.test('credentials keep every character that was written', async t => {
  const { accounts } = load(`accounts: [{hosts: h, username: 007, password: 'a b"c#d:e'}]`)
  t.match(open(accounts[0]), { username: '007', password: 'a b"c#d:e' })
  const word = fc.string({ minLength: 1 }).filter(text => text.trim() === text && !/[\p{Cc}\u2028\u2029]/u.test(text))
  fc.assert(
    fc.property(word, text => {
      const yaml = `accounts: [{hosts: h, username: u, password: ${JSON.stringify(text)}}]`
      t.match(open(load(yaml).accounts[0]), { password: text })
      t.match(open(load('', { REELPORT_HOST: 'h', REELPORT_USERNAME: 'u', REELPORT_PASSWORD: text }).accounts[0]), {
        password: text,
      })
    }),
    { numRuns: 50 },
  )
})

t.test('several hosts, several accounts, playlists', async t => {
  const { accounts } = load(`
accounts:
  - {id: one, hosts: "a.example, http://b.example:81/, a.example", username: u, password: p, maxConnections: 2, timeouts: {connect: 5s}}
  - {id: two, playlist: 'http://tv.example.com/get.php?username=u&password=p&type=m3u_plus'}
  - {id: three, playlist: lists/all.m3u, username: u}
`)
  t.match(accounts[0], {
    timeouts: { connectMs: 5000, headersMs: 20_000, stallMs: 15_000, answerMs: 120_000 },
    userAgent: 'reelport',
    settleMs: 0,
  })
  t.same(accounts.map(open), [
    {
      id: 'one',
      type: 'xtream',
      hosts: ['http://a.example', 'http://b.example:81'],
      username: 'u',
      password: 'p',
      maxConnections: 2,
    },
    { id: 'two', type: 'm3u', playlist: 'http://tv.example.com/get.php?username=u&password=p&type=m3u_plus' },
    { id: 'three', type: 'm3u', playlist: join(cwd, 'lists/all.m3u'), username: 'u' },
  ])
})

t.test('a subscription text gives credentials; its other lines do not matter; of several the newest', async t => {
  const old = write('Username: old\nPassword: old\n', 0o600, 'iptv.subscription.2023.txt')
  write(
    'Dear customer,\r\n  USERNAME :  ann b \r\nPassword:p:w=1\r\nExpires: never\r\nURL: http://tv.example.com:8080/get.php?x=1\r\nHost: b.example\r\n',
    0o600,
    'iptv.subscription.2024.txt',
  )
  utimesSync(old, 1, 1)
  const { accounts } = load('accounts: [{subscription: iptv.subscription.*.txt}]')
  t.same(open(accounts[0]), {
    id: 'main',
    type: 'xtream',
    hosts: ['http://tv.example.com:8080', 'http://b.example'],
    username: 'ann b',
    password: 'p:w=1',
  })
  const named = load('', { REELPORT_SUBSCRIPTION: 'iptv.subscription.2023.txt', REELPORT_HOST: 'c.example' })
  t.match(open(named.accounts[0]), { hosts: ['http://c.example'], username: 'old' })
  const path = write('Username: only\n')
  t.match(failure(() => load(`accounts: [{hosts: h, subscription: ${path}}]`)).problems, [
    { message: /no Password: line/ },
  ])
})

t.test('a file of secrets fills in accounts by id, as YAML or as lines', async t => {
  const accounts = 'accounts: [{id: main, hosts: h}, {id: second-one, hosts: h}, {id: list}]'
  const expected = [
    { username: 'u 1', password: 'p"1' },
    { username: 'u2', password: '#p2' },
    { playlist: 'http://l.example/x' },
  ]
  const yaml = write(
    'main: {username: u 1, password: \'p"1\'}\nsecond-one:\n  username: u2\n  password: "#p2"\nlist: {playlist: http://l.example/x}\n',
  )
  const lines = write(
    '# secrets\nREELPORT_MAIN_USERNAME=u 1\nexport MAIN_PASSWORD=p"1\n\nSECOND_ONE_USERNAME="u2"\r\nsecond-one_password=\'#p2\'\nLIST_PLAYLIST=http://l.example/x\n',
  )
  for (const path of [yaml, lines]) t.match(load(`secrets: ${path}\n${accounts}`).accounts.map(open), expected, path)

  for (const text of [
    'username: u\npassword: p\nhosts: [a.example, b.example]\n',
    'USERNAME=u\nREELPORT_PASSWORD=p\nHOSTS=a.example,b.example\n',
  ]) {
    const only = load('accounts: [{}]', { REELPORT_SECRETS: write(text) })
    t.match(
      open(only.accounts[0]),
      { username: 'u', password: 'p', hosts: ['http://a.example', 'http://b.example'] },
      'no id, one account',
    )
  }
  const stray = write('mian: {username: hunter2}\nmain: {pasword: hunter2, hosts: "ftp://hunter2"}\n')
  const error = failure(() => load(`secrets: ${stray}\naccounts: [{id: main, hosts: h}]`))
  t.same(
    error.problems.slice(0, 3).map(({ where }) => where.replace(stray, '')),
    [':1:1', ':2:8', ':2:26'],
  )
  t.notMatch(error.message, /hunter2/)
})

t.test('what is nearer to the account goes first', async t => {
  const subscription = write('Username: subscription\nPassword: subscription\n')
  const secrets = write('main: {password: secrets}')
  const file = write('file\n')
  const pasted = "'http://h/get.php?username=pasted&password=pasted'"
  const password = (inner: string, env = {}) =>
    open(
      load(
        `secrets: ${secrets}\naccounts: [{username: u, hosts: [${pasted}], subscription: ${subscription}, ${inner}}]`,
        env,
      ).accounts[0],
    ).password
  t.equal(password('password: direct'), 'direct')
  t.equal(password(`passwordFile: ${file}`), 'file')
  t.equal(password(''), 'secrets')
  t.equal(password('', { REELPORT_SECRETS: write('{}') }), 'subscription')
  t.equal(open(load(`accounts: [{hosts: [${pasted}]}]`).accounts[0]).password, 'pasted')
  t.equal(
    password(`passwordFile: ${file}`, { REELPORT_PASSWORD: 'variable' }),
    'variable',
    'a variable replaces a file that the file names',
  )
  t.equal(password('password: direct', { REELPORT_PASSWORD_FILE: file }), 'file')
})

t.test('variables describe an account: the named one, the only one, or a new one', async t => {
  const env = { REELPORT_HOSTS: 'e.example', REELPORT_USERNAME: 'env', REELPORT_PASSWORD: 'env' }
  const ids = (yaml: string, more = {}) =>
    load(yaml, { ...env, ...more })
      .accounts.map(open)
      .map(({ id, username }) => `${id}:${username}`)
  const [a, b] = ['{id: a, hosts: h, username: a, password: p}', '{id: b, hosts: h, username: b, password: p}']
  t.same(ids(''), ['main:env'])
  t.same(ids(`accounts: [${a}]`), ['a:env'])
  t.same(ids(`accounts: [${a}, ${b}]`), ['a:a', 'b:b', 'main:env'])
  t.same(ids(`accounts: [${a}, ${b}]`, { REELPORT_ACCOUNT: 'b' }), ['a:a', 'b:env'])
  t.same(ids(`accounts: [${a}]`, { REELPORT_ACCOUNT: 'new' }), ['a:a', 'new:env'])
  const problems = (more: object) => {
    try {
      load('', { ...env, ...more })
      return []
    } catch (error) {
      return (error as ConfigError).problems
    }
  }
  t.match(problems({ REELPORT_HOST: 'x' }), [{ message: /says the same as REELPORT_HOST/ }])
  t.match(problems({ REELPORT_PASSWORD_FILE: 'x' }), [{ where: 'REELPORT_PASSWORD_FILE', message: /both there/ }])
  t.match(problems({ REELPORT_PASSWORD: '' }), [{ where: 'the environment', message: /account main has no password/ }])
})

t.test('files of secrets that everybody may read are warned of, and only those', async t => {
  const warnings = (mode: number) => {
    const secrets = write('main: {password: p}', mode)
    const user = write('u', mode)
    return load(`secrets: ${secrets}\naccounts: [{hosts: h, usernameFile: ${user}}]`).warnings.length
  }
  t.equal(warnings(0o600), 0)
  t.equal(warnings(0o640), 0)
  t.equal(warnings(0o644), 2)
  const file = write('accounts: [{hosts: h, username: u, password: p}]', 0o644)
  t.match(loadConfig({ file, env: {}, cwd }).warnings, [{ message: /holds secrets/, hint: /chmod o-r/ }])
  const harmless = write('nfs: {port: 1}', 0o644)
  t.same(loadConfig({ file: harmless, env: {}, cwd }).warnings, [])
})

t.test('a secret is in no problem, no warning, and no printed configuration', async () => {
  const secret = fc
    .string({ minLength: 8, maxLength: 20 })
    .map(text => `S3cr${text}et`)
    .filter(text => !/\p{Cc}/u.test(text))
  const quoted = JSON.stringify
  const spoiler = fc.constantFrom(
    '',
    'nfs: {port: x}',
    'type: 5',
    'accounts2: 1',
    'libraries: []',
    'data: [',
    '\tx: 1',
    'secrets: /nonexistent',
  )
  fc.assert(
    fc.property(secret, spoiler, fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (text, bad, form) => {
      const raw = text.replace(/^\s+|\s+$/g, '')
      const url = `http://h/get.php?username=${encodeURIComponent(raw)}&password=${encodeURIComponent(raw)}`
      const account = [
        `{hosts: h, username: ${quoted(raw)}, password: ${quoted(raw)}}`,
        `{hosts: h, username: ${quoted(raw)}, password: [${quoted(raw)}]}`,
        `{hosts: [${quoted(url)}, ${quoted(`ftp://${raw}`)}]}`,
        `{playlist: ${quoted(`http://h/${raw}`)}, hosts: h}`,
        `{playlist: ${quoted(`xyz://h/${raw}`)}}`,
        `{hosts: h, password: ${raw}, username: ${raw}}`,
        `{hosts: h, password:${raw}}`,
        `{hosts: h, ${quoted(raw)}: 1}`,
        `{id: ${quoted(url)}, hosts: {a: ${quoted(raw)}}}`,
        `{hosts: h, subscription: ${write(`Username: ${raw}\nPaswort: ${raw}`)}, usernameFile: ${write(`${raw}\n${raw}`)}}`,
      ][form]
      const secrets = write(
        form % 2 === 0 ? `main: {username: ${quoted(raw)}, ${quoted(raw)}: x}` : `MAIN_${raw}=${raw}`,
        0o644,
      )
      const env = form % 3 === 0 ? { REELPORT_PASSWORD: raw, REELPORT_PASSWORDD: raw, REELPORT_SECRETS: secrets } : {}
      let printed: string
      try {
        const config = load(`accounts: [${account}]\n${bad}\n`, env)
        printed = JSON.stringify(config) + inspect(config, { depth: 10 })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        printed = `${error.message}${error.stack}${JSON.stringify(error.problems)}${inspect(error, { depth: 10 })}`
      }
      return !printed.includes('S3cr')
    }),
    { numRuns: 300 },
  )
})
