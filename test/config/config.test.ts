import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  type Config,
  ConfigError,
  describeConfig,
  exampleYaml,
  loadConfig,
  type Problem,
  referenceMarkdown,
  settingFlags,
} from '../../src/config/index.ts'
import { editDistance, nearest } from '../../src/config/suggest.ts'

type Given = Partial<Parameters<typeof loadConfig>[0]>

const cwd = t.testdir()
let files = 0

/** Loads `yaml` as a file of its own. */
function load(yaml: string, given: Given = {}): Config {
  const file = join(cwd, `c${files++}.yaml`)
  writeFileSync(file, yaml, { mode: 0o600 })
  return loadConfig({ file, env: {}, cwd, ...given })
}

/** What is wrong with `yaml`, with the file's name left out of the places. */
function problemsOf(yaml: string, given: Given = {}): readonly Problem[] {
  const problems = failure(() => load(yaml, given))
  return problems.map(problem => ({ ...problem, where: problem.where.replace(/^c\d+\.yaml:?/, '') }))
}

/** The problems that loading ends with. */
function failure(load: () => unknown): readonly Problem[] {
  try {
    load()
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

/** What a library is when only its name and kind are written. */
const library = {
  filter: {},
  sidecars: { plexmatch: true, nfo: false, artwork: false, subtitles: true },
  make: { policy: 'everything', newest: 50 },
}

t.test('the password and the token of HTTP come from settings or files, not from both', async t => {
  const dir = t.testdir({ pw: 'correct horse\n', two: 'a\nb\n' })
  const load = (env: Record<string, string>) => loadConfig({ cwd: dir, env })
  const { http } = load({ REELPORT_HTTP_PASSWORD_FILE: 'pw', REELPORT_HTTP_TOKEN: 'a-token' })
  t.equal(http.password!.reveal(), 'correct horse')
  t.equal(http.token!.reveal(), 'a-token')
  t.notMatch(JSON.stringify(http), /horse|a-token/)
  const warned = (token: string) => load({ REELPORT_HTTP_TOKEN: token }).warnings
  t.match(warned('a-token'), [{ where: /REELPORT_HTTP_TOKEN/, message: /fewer than 16 characters/, hint: /openssl/ }])
  t.same(warned('a-token-that-is-long'), [])
  t.throws(
    () => load({ REELPORT_HTTP_PASSWORD_FILE: 'pw', REELPORT_HTTP_PASSWORD: 'x' }),
    /http\.password and http\.passwordFile/,
  )
  t.throws(() => load({ REELPORT_HTTP_TOKEN: 'two words' }), /blanks/)
  t.throws(() => load({ REELPORT_HTTP_TOKEN_FILE: 'two' }), /two does not hold one line/)
  t.throws(() => load({ REELPORT_HTTP_TOKEN_FILE: 'none' }), /none/)
})

t.test("a webhook's address and secret come from settings or files, not from both, and are never shown", async t => {
  const address = 'https://chat.example.com/very-private'
  const dir = t.testdir({
    url: `${address}\n`,
    secret: 'hush\n',
    none: 'very-private',
    login: 'http://me:very-private@h/',
  })
  for (const file of ['url', 'secret', 'none', 'login']) chmodSync(join(dir, file), 0o600)
  const hook = (more: string) => load(`webhooks: [{name: chat, ${more}}]`, { cwd: dir })
  for (const more of [`urlFile: ${dir}/url, secretFile: ${dir}/secret`, `url: "${address}", secret: hush`]) {
    const config = hook(more)
    const [{ url, secret }] = config.webhooks as [Config['webhooks'][number]]
    t.same([url.reveal(), secret!.reveal()], [address, 'hush'])
    t.notMatch(`${JSON.stringify(config)} ${inspect(config, { depth: 9 })}`, /very-private|hush/)
  }
  for (const [more, message] of [
    ['secret: hush', /the webhook .*chat.* has no url/],
    [`url: "${address}", urlFile: ${dir}/url`, /url and urlFile are both there/],
    [`url: "${address}", secret: hush, secretFile: ${dir}/secret`, /secret and secretFile are both there/],
    [`urlFile: ${dir}/none`, /none does not hold a URL/],
    [`urlFile: ${dir}/login`, /login does not hold a URL/],
    ['url: "http://me:very-private@h/"', /what is written there is not a URL/],
    [`urlFile: ${dir}/gone`, /gone/],
  ] as const) {
    const problems = JSON.stringify(failure(() => hook(more)))
    t.match(problems, message)
    t.notMatch(problems, /very-private|hush/)
  }
})

t.test('a file that everybody can read is named when it holds a webhook, and not when it names its files', async t => {
  const dir = t.testdir({ url: 'https://chat.example.com/' })
  chmodSync(join(dir, 'url'), 0o600)
  const warnings = (more: string) => {
    const file = join(dir, 'open.yaml')
    writeFileSync(file, `webhooks: [{name: chat, ${more}}]`)
    chmodSync(file, 0o644)
    return loadConfig({ file, env: {}, cwd: dir }).warnings
  }
  t.match(warnings('url: https://chat.example.com/'), [{ message: /holds secrets/ }])
  t.same(warnings('urlFile: url'), [])
})

t.test('TLS is there with a certificate and its key, on a port of its own', async t => {
  const load = (env: Record<string, string>) => loadConfig({ cwd: '/srv', env }).http.tls
  const both = { REELPORT_HTTP_TLS_CERT: 'a.crt', REELPORT_HTTP_TLS_KEY: 'a.key' }
  t.equal(load({}), undefined)
  t.same(load(both), { port: 5443, cert: '/srv/a.crt', key: '/srv/a.key' })
  t.throws(() => load({ REELPORT_HTTP_TLS_CERT: 'a.crt' }), /http\.tls\.cert is there without http\.tls\.key/)
  t.throws(() => load({ ...both, REELPORT_HTTP_TLS_PORT: '5004' }), /http\.tls\.port is 5004/)
})

t.test('nothing at all is a configuration: no account, two libraries, everything at its default', async t => {
  const config = loadConfig({ env: {}, cwd: '/srv/nowhere' })
  t.same(
    { ...config, nfs: { ...config.nfs, allow: 0 }, http: { ...config.http, allow: 0 } },
    {
      data: '/srv/nowhere/data',
      demo: false,
      accounts: [],
      libraries: [
        { name: 'Movies', kind: 'movies', ...library },
        { name: 'TV', kind: 'shows', ...library },
      ],
      tuner: {
        ...{ enabled: true, name: 'reelport', scanPossible: true, maxChannels: 480 },
        ...{ discovery: 'auto', ssdp: false },
      },
      devices: [],
      lineup: {
        ...{ filter: {}, guideOnly: false, order: 'provider', numbers: 'own', merge: true },
        ...{ qualities: ['1080p', '720p', '4K', 'SD'], dropDead: false },
      },
      guide: {
        ...{ schedule: { type: 'every', ms: 43_200_000 }, provider: true, short: true, days: 7, pastMs: 21_600_000 },
        ...{ placeholders: true, pruneEmpty: false },
      },
      guides: [],
      sidecars: { perSecond: 5, concurrency: 2, budgetBytes: 21_474_836_480 },
      live: { bufferBytes: 8_388_608, stallMs: 5_000, startMs: 20_000, lingerMs: 0 },
      tests: { perHour: 0, ffprobe: false },
      plex: {
        ...{
          linkedFile: '/srv/nowhere/data/plex.token',
          liveTv: true,
          libraries: true,
          scans: true,
          collections: false,
          agent: 'plex',
          language: 'en-US',
          guideLanguage: 'eng',
        },
        ...{ watch: { type: 'every', ms: 300_000 }, signIn: { url: 'https://plex.tv' } },
      },
      plexServers: [],
      webhooks: [],
      jellyfin: {},
      nfs: {
        host: '0.0.0.0',
        port: 2049,
        exports: ['/', '/Movies', '/TV'],
        allow: 0,
        portmap: 'auto',
        uid: 65_534,
        gid: 65_534,
        holdMs: 20_000,
        maxConnections: 512,
        maxCallsPerConnection: 128,
        idleMs: 600_000,
        cacheBytes: 67_108_864,
      },
      http: {
        host: '0.0.0.0',
        port: 5004,
        allow: 0,
        metrics: 'open',
        sessions: { idleMs: 604_800_000, lifetimeMs: 2_592_000_000 },
      },
      cache: { directory: '/srv/nowhere/data/cache', budgetBytes: 53_687_091_200, reserveBytes: 2_147_483_648 },
      sync: { schedule: { type: 'every', ms: 21_600_000 }, graceMs: 604_800_000, showConcurrency: 2 },
      measure: { perSecond: 5, concurrency: 2 },
      streams: { hls: 'instant', mpegTs: 'made', lengthsPerSecond: 20 },
      queue: { concurrency: 1, perAccount: 1 },
      media: {},
      log: { level: 'info', format: 'auto' },
      warnings: [],
    },
  )
  for (const range of [
    '127.0.0.0/8',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '100.64.0.0/10',
    'fc00::/7',
    'fe80::/10',
    '::1',
  ]) {
    t.ok(config.nfs.allow.includes(range) && config.http.allow.includes(range), range)
  }
})

t.test('devices and guides are lists of groups, headers are for all hosts or for one', async t => {
  const config = load(`
accounts:
  - {id: a, playlist: http://tv.example/l.m3u, headers: ["Referer: http://tv.example/", "cdn.example:8080 Cookie: a=b; c"]}
devices:
  - {name: News, filter: {categories: ["*News*"]}, tuners: 2}
guides:
  - {name: epg, source: ./guide.xml.gz}
`)
  t.match(config.devices, [{ name: 'News', tuners: 2, scanPossible: true, filter: { categories: ['*News*'] } }])
  t.match(config.guides, [{ name: 'epg', priority: 50 }])
  const [{ headers, hostHeaders } = {}] = config.accounts
  t.equal(headers?.referer?.reveal(), 'http://tv.example/')
  t.equal(hostHeaders?.['cdn.example:8080']?.cookie?.reveal(), 'a=b; c')
  t.notMatch(JSON.stringify(config), /a=b/)
  for (const [written, wrong] of [
    ['devices: [{name: A, filter: {accounts: [x]}}]', /no account has the id "x"/],
    ['devices: [{name: A}, {name: a}]', /the device "a" is there twice/],
    ['guides: [{name: A}]', /guides.source is missing/],
    ['lineup: {filter: {accounts: [x]}}', /no account has the id "x"/],
    ['accounts: [{playlist: /l.m3u, headers: [nonsense]}]', /not a header/],
  ] as const) {
    t.throws(() => load(written), { message: wrong })
  }
})

t.test('what people write is read as they mean it', async t => {
  const config = load(
    `
data: ~/reelport
libraries:
  - {name: Kids, kind: movies, filter: {categories: ["*Kids*", "/^DE .*/"], languages: EN, match: 'a{1,3}'}}
  - name: Shows
    kind: SHOWS
    make: {policy: Newest, newest: 200}
streams: {hls: MADE, mpegTs: direct, lengthsPerSecond: 7.5, maxHeight: 1080}
queue: {concurrency: 3}
nfs:
  hold: 1.5s
  allow: 192.168.1.20, 10.0.0.0/8
  exports: [/, /Kids]
  cache: 0.5GiB
http:
cache: {directory: big, budget: 1.5 TB}
sync: {schedule: '30 4 * * *'}
media: {ffmpeg: ffmpeg7, ffprobe: ./tools/ffprobe}
demo: yes
`,
    { env: { HOME: '/home/someone' } },
  )
  t.match(config, {
    data: '/home/someone/reelport',
    demo: true,
    libraries: [
      {
        name: 'Kids',
        kind: 'movies',
        filter: { categories: ['*Kids*', '/^DE .*/'], languages: ['EN'], match: 'a{1,3}' },
      },
      { name: 'Shows', kind: 'shows', filter: {}, make: { policy: 'newest', newest: 200 } },
    ],
    streams: { hls: 'made', mpegTs: 'direct', lengthsPerSecond: 7.5, maxHeight: 1080 },
    queue: { concurrency: 3, perAccount: 1 },
    nfs: {
      holdMs: 1500,
      allow: ['192.168.1.20', '10.0.0.0/8'],
      exports: ['/', '/Kids'],
      cacheBytes: 536_870_912,
      port: 2049,
    },
    http: { port: 5004 },
    cache: { directory: join(cwd, 'big'), budgetBytes: 1_500_000_000_000 },
    sync: { schedule: { type: 'cron', expression: '30 4 * * *' } },
    media: { ffmpeg: 'ffmpeg7', ffprobe: join(cwd, 'tools/ffprobe') },
  })
  t.same(load('sync: {schedule: off}').sync.schedule, { type: 'off' })
  t.equal(load('# only a comment\n').nfs.port, 2049)
  t.equal(load('\uFEFFnfs: {port: 3049}').nfs.port, 3049, 'a byte order mark is no part of a name')
})

t.test('the result cannot be changed', async t => {
  const config = load('nfs: {port: 3049}') as unknown as {
    nfs: { port: number; exports: string[] }
    libraries: unknown[]
  }
  t.throws(() => (config.nfs.port = 1), TypeError)
  t.throws(() => config.nfs.exports.push('/x'), TypeError)
  t.throws(() => config.libraries.pop(), TypeError)
})

const overridable: readonly (readonly [path: string, values: readonly string[], of: (config: Config) => unknown])[] = [
  ['nfs.port', ['3001', '3002', '3003'], config => String(config.nfs.port)],
  ['http.host', ['127.0.0.1', '127.0.0.2', '::1'], config => config.http.host],
  ['data', ['/a', '/b', '/c'], config => config.data],
  ['nfs.maxCallsPerConnection', ['1', '2', '3'], config => String(config.nfs.maxCallsPerConnection)],
  ['cache.directory', ['/d', '/e', '/f'], config => config.cache.directory],
  ['log.level', ['warn', 'debug', 'error'], config => config.log.level],
  ['measure.perSecond', ['1.5', '2', '3'], config => String(config.measure.perSecond)],
]

t.test('a flag goes before a variable, a variable before the file, the file before the default', async t => {
  const byPath = new Map(describeConfig().map(entry => [entry.path, entry]))
  const base = loadConfig({ env: {}, cwd })
  const level = fc.constantFrom(undefined, 0, 1, 2)
  const choices = fc.tuple(...overridable.map(() => fc.tuple(level, level, level)))
  fc.assert(
    fc.property(choices, picked => {
      const [env, flags]: [Record<string, string>, Record<string, string>] = [{}, {}]
      const lines: string[] = []
      overridable.forEach(([path, values], index) => {
        const [inFile, inEnv, inFlags] = picked[index]!
        const { variable, flag } = byPath.get(path)!
        if (inFile !== undefined) lines.push(flowYaml(path, values[inFile]!))
        if (inEnv !== undefined) env[variable!] = values[inEnv]!
        if (inFlags !== undefined) flags[flag!] = values[inFlags]!
      })
      const config = load(mergeFlow(lines), { env, flags })
      overridable.forEach(([path, values, of], index) => {
        const [inFile, inEnv, inFlags] = picked[index]!
        const last = inFlags ?? inEnv ?? inFile
        if (last === undefined && path === 'cache.directory') return // follows data
        t.equal(of(config), last === undefined ? of(base) : values[last], path)
      })
    }),
    { numRuns: 60 },
  )
})

function flowYaml(path: string, value: string): string {
  const [section, name] = path.split('.')
  return name === undefined ? `${section}: '${value}'` : `${section}|${name}: '${value}'`
}

function mergeFlow(lines: readonly string[]): string {
  const sections = new Map<string, string[]>()
  for (const line of lines) {
    const [section, entry] = line.includes('|') ? (line.split('|') as [string, string]) : ['', line]
    sections.set(section, [...(sections.get(section) ?? []), entry])
  }
  return [...sections].map(([name, own]) => (name === '' ? own.join('\n') : `${name}: {${own.join(', ')}}`)).join('\n')
}

/** Each file, and everything that should be said about it: place, what is wrong, and a part of what would be right. */
const wrong: readonly (readonly [
  yaml: string,
  ...problems: (readonly [where: string, message: string, hint?: string])[],
])[] = [
  [
    'nfs:\n  prot: 2049\n  hold: 30\n  port: [1]\nhtp: 5\nport: 12\nlog: {level: loud}\n',
    ['2:3', 'no setting is called "prot"', 'Did you mean port?'],
    ['3:3', 'nfs.hold: "30" is not a duration in range', 'from 0s to 50s'],
    ['4:3', 'nfs.port: a list is not a port', '0 to 65535'],
    ['5:1', 'no setting is called "htp"', 'Did you mean http?'],
    ['6:1', 'no setting is called "port"', 'Did you mean nfs.port or http.port or http.tls.port?'],
    ['7:7', 'log.level: "loud" is not one of debug, info, warn or error', 'debug'],
  ],
  ['nfs: 2049', ['1:1', 'nfs is not a group of settings', 'host, port, exports']],
  ['nfs: {max-connections: 5}', ['1:7', 'no setting is called "max-connections"', 'Did you mean maxConnections?']],
  ['zebra: 1', ['1:1', 'no setting is called "zebra"', 'Known here: data']],
  ['nfs: {port: 65536}', ['1:7', 'nfs.port: "65536" is not a port']],
  ['nfs: {port: -1}', ['1:7', 'nfs.port: "-1" is not a port']],
  ['nfs: {port: 0x50}', ['1:7', 'nfs.port: "0x50" is not a port']],
  [
    'nfs: {allow: [10.0.0.0/8, home, 1.2.3.4/40]}',
    ['1:27', '"home" is not an address', 'fd00::/8'],
    ['1:33', '"1.2.3.4/40" is not'],
  ],
  ['nfs: {allow: []}', ['1:7', 'nfs.allow is an empty list']],
  ['nfs: {hold: 51s}', ['1:7', '"51s" is not a duration in range']],
  ['nfs: {exports: [/Movies, /Moveis]}', ['1:7', 'no library is at "/Moveis"', 'Did you mean /Movies?']],
  ['http: {port: 2049}', ['1:8', 'nfs.port and http.port are both 2049', 'another']],
  ['sync: {schedule: 5s}', ['1:8', '"5s" is not a schedule', 'cron']],
  ["sync: {schedule: '61 * * * *'}", ['1:8', 'is not a schedule']],
  ["sync: {schedule: '0 0 30 2 *'}", ['1:8', 'is not a schedule']],
  ['measure: {perSecond: 0}', ['1:11', '"0" is not a number in range', '0.01']],
  [
    "sidecars: {trustedHosts: 'http://images.lan/x'}",
    ['1:12', '"http://images.lan/x" is not the name or address', 'only the host'],
  ],
  ['sidecars: {budget: -1}', ['1:12', '"-1" is not a size']],
  [
    'libraries: [{name: A, kind: movies, sidecars: {nfo: maybe}}]',
    ['1:48', 'libraries.sidecars.nfo: "maybe" is not a yes or no'],
  ],
  ['streams: {hls: live}', ['1:11', 'streams.hls: "live" is not one of instant or made']],
  [
    'libraries: [{name: A, kind: movies, make: {policy: matching, newest: 0}}]',
    ['1:62', 'libraries.make.newest: "0" is not a whole number in range', 'from 1 to 10000'],
  ],
  [
    'libraries: [{name: A, kind: movies, make: {policy: matching}}]',
    ['1:37', 'libraries.make.match is missing, for the policy matching', 'beside policy'],
  ],
  ['cache: {budget: lots}', ['1:9', '"lots" is not a size in range', 'GiB']],
  ['libraries: []', ['1:1', 'there is no library', 'Movies and TV']],
  ['libraries: Movies', ['1:1', 'libraries is not a list of groups', '- ']],
  ['libraries: [Movies]', ['1:13', 'libraries is not a group of settings', 'name, kind, filter']],
  [
    'libraries:\n  - name: a/b\n    kind: film\n  - kind: movies\n  - {name: .hidden, kind: shows}\n',
    ['2:5', 'libraries.name: "a/b" is not a folder\'s name'],
    ['3:5', 'libraries.kind: "film" is not one of movies or shows'],
    ['4:5', 'libraries.name is missing'],
    ['5:6', '".hidden" is not a folder\'s name'],
  ],
  [
    'libraries:\n  - {name: Films, kind: movies}\n  - {name: films, kind: shows}\n',
    ['3:6', 'the library "films" is there twice', 'case does not count'],
  ],
  [
    'libraries: [{name: A, kind: movies, filter: {accounts: [mian], match: "(", categories: ["/[/"]}}]\naccounts: [{id: main, playlist: /l.m3u}]',
    ['1:64', 'libraries.filter.match: "(" is not a regular expression'],
    ['1:89', 'libraries.filter.categories: "/[/" is not a category'],
  ],
  [
    'libraries: [{name: A, kind: movies, filter: {accounts: [mian]}}]\naccounts: [{id: main, playlist: /l.m3u}]',
    ['1:37', 'no account has the id "mian"', 'Did you mean main?'],
  ],
  [
    'accounts: [{}]',
    ['1:12', 'account main has no hosts', 'REELPORT_HOST'],
    ['1:12', 'has no user name', 'subscription'],
    ['1:12', 'has no password', 'REELPORT_PASSWORD'],
  ],
  ['accounts: [{type: m3u}]', ['1:12', 'account main has no playlist', 'REELPORT_PLAYLIST']],
  ['accounts: [{hosts: tv.example.com, password: x}]', ['1:12', 'account main has no user name']],
  [
    'accounts: [{hosts: tv.example.com, username: x, password: x, playlist: /l}]',
    ['1:62', 'account main has a playlist, which is for type m3u', 'type'],
  ],
  [
    'accounts:\n  - {id: a, hosts: h, username: u, password: p, timeouts: 5, pasword: x}\n  - {id: A, hosts: h, username: u, passwordFile: /nonexistent/p, password: p}\n',
    ['2:49', 'accounts.timeouts is not a group of settings', 'connect'],
    ['2:62', 'no setting is called "pasword"', 'Did you mean password?'],
    ['3:36', 'password and passwordFile are both there', 'Remove'],
  ],
  [
    'accounts:\n  - {id: a, hosts: h, username: u, password: p}\n  - {id: A, hosts: ["http://u:1@h", "http://v:1@h"]}\n',
    ['3:6', 'the account id A is there twice'],
    ['3:13', 'the URLs carry different user names', 'separate accounts'],
  ],
  [
    'accounts: [{usernameFile: /nonexistent/u, hosts: h, password: p}]',
    ['1:13', '/nonexistent/u: there is no such file', 'can read'],
  ],
  ['accounts: [{subscription: /nonexistent/*.txt, hosts: h}]', ['1:13', 'no file matches /nonexistent/*.txt']],
  ['secrets: /nonexistent/s', ['1:1', '/nonexistent/s: there is no such file']],
]

t.test('everything that is wrong is said at once, where it is, with what would be right', async t => {
  for (const [yaml, ...expected] of wrong) {
    t.test(yaml, async t => {
      const found = problemsOf(yaml)
      t.equal(found.length, expected.length, JSON.stringify(found))
      expected.forEach(([where, message, hint = ''], index) => {
        t.ok(found[index]?.message.includes(message), `${found[index]?.message} has ${message}`)
        t.ok((found[index]?.hint ?? '').includes(hint), `${found[index]?.hint} has ${hint}`)
        t.equal(found[index]?.where, where, message)
      })
    })
  }
})

t.test('what is no YAML is said without quoting it', async t => {
  const broken: readonly (readonly [yaml: string, where: string, message: RegExp])[] = [
    ['nfs:\n\tport: 1', '2:1', /tab/],
    ['nfs:\n  port: 1\n bad: 2', '3:1', /indentation/],
    ['data: "x', '1:9', /quote/],
    ['data: @hunter2', '1:7', /begins with a character/],
    ['data: *hunter2', '1:7', /begins with a character/],
    ['data: !hunter2', '1:7', /begins with a character/],
    ['data: &hunter2', '1:15', /begins with a character/],
    ['data: "\\hunter2"', '1:8', /backslash/],
    ['data: /a\ndata: /b', '2:1', /twice/],
    ['data: /a\n---\ndata: /b', '2:1', /second document/],
    ['data: hunter2: x', '1:7', /not YAML/],
    ['- hunter2', '1:1', /not a file of settings/],
    ['hunter2', '1:1', /not a file of settings/],
    ['? [hunter2]\n: b', '1:3', /no plain text/],
    [`data: ${'['.repeat(100)}${']'.repeat(100)}`, '1:27', /nested too deeply/],
  ]
  for (const [yaml, where, message] of broken) {
    const found = problemsOf(yaml)
    t.ok(
      found.some(problem => problem.where === where && message.test(problem.message)),
      `${yaml}: ${JSON.stringify(found)}`,
    )
    t.notMatch(JSON.stringify(found), /hunter2/)
  }
})

t.test('no text whatever does more than give problems', async t => {
  const fragment = fc.constantFrom(
    'nfs',
    'accounts',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '&a',
    '*a',
    '!',
    '|',
    '>',
    '#',
    'id',
    'hosts',
    '5',
    '\t',
    '---',
    '?',
    '\0',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fragment).map(parts => parts.join('')),
      ),
      yaml => {
        for (const { where, message } of problemsOf(yaml)) if (message === '' || where.includes('\n')) return false
        return true
      },
    ),
    { numRuns: 200 },
  )
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...describeConfig().flatMap(({ variable }) => variable ?? [])), fc.string()),
      env => {
        problemsOf('', { env })
        return true
      },
    ),
    { numRuns: 100 },
  )
  t.pass('ConfigError or a configuration')
})

t.test('a named file has to be there, the default one does not', async t => {
  const directory = t.testdir({
    'reelport.yaml': 'nfs: {port: 3049}',
    folder: {},
    binary: Buffer.from([0xff, 0xfe, 0x80]),
  })
  const of = (given: Given) => loadConfig({ env: {}, cwd: directory, ...given })
  t.match(of({}), { nfs: { port: 3049 }, file: join(directory, 'reelport.yaml') })
  for (const given of [
    { file: 'none.yaml' },
    { flags: { config: 'none.yaml' } },
    { env: { REELPORT_CONFIG: 'none.yaml' } },
  ]) {
    t.match(
      failure(() => of(given)),
      [{ where: 'none.yaml', message: /no such file/ }],
    )
  }
  t.match(
    failure(() => of({ file: 'folder' })),
    [{ where: 'folder', message: /is a directory/ }],
  )
  t.match(
    failure(() => of({ file: 'binary' })),
    [{ where: 'binary', message: /not UTF-8/ }],
  )
  writeFileSync(join(directory, 'huge'), Buffer.alloc(2 ** 20 + 1, ' '))
  t.match(
    failure(() => of({ file: 'huge' })),
    [{ where: 'huge', message: /larger than/ }],
  )
  mkdirSync(join(directory, 'sub'))
  writeFileSync(join(directory, 'sub', 'c.yaml'), 'data: ./d\nmedia: {ffmpeg: ../f}')
  const config = of({ file: 'sub/c.yaml', env: { REELPORT_CACHE_DIRECTORY: './e' } })
  t.equal(config.data, join(directory, 'sub', 'd'), 'paths in a file start at the file')
  t.equal(config.media.ffmpeg, join(directory, 'f'))
  t.equal(config.cache.directory, join(directory, 'e'), 'others where the command runs')
})

t.test('variables: empty ones count as absent, slips are named, strangers only mentioned', async t => {
  const env = {
    REELPORT_NFS_PORT: '',
    REELPORT_HTTP_PORT: '99999',
    REELPORT_NFS_PROT: '1',
    REELPORT_PASWORD: 'hunter2',
    REELPORT_SOMETHING_ELSE: '1',
    PATH: '/bin',
  }
  t.same(problemsOf('nfs: {port: 3049}', { env }), [
    { where: 'REELPORT_NFS_PROT', message: 'no such variable', hint: 'Did you mean REELPORT_NFS_PORT?' },
    { where: 'REELPORT_PASWORD', message: 'no such variable', hint: 'Did you mean REELPORT_PASSWORD?' },
    {
      where: 'REELPORT_HTTP_PORT',
      message: 'http.port: "99999" is not a port',
      hint: 'Write a number from 0 to 65535; 0 takes any free one',
    },
  ])
  const config = load('nfs: {port: 3049}', { env: { REELPORT_NFS_PORT: ' ', REELPORT_SOMETHING_ELSE: '1' } })
  t.equal(config.nfs.port, 3049)
  t.match(config.warnings, [{ where: 'REELPORT_SOMETHING_ELSE', message: /no effect/ }])
  t.match(problemsOf('', { flags: { 'nfs-port': 'x' } }), [{ where: '--nfs-port', message: /"x" is not a port/ }])
  t.match(problemsOf('nfs: {port: x}', { env: { REELPORT_NFS_PORT: 'y' } }), [{ message: /"x"/ }, { message: /"y"/ }])
})

t.test('variables that Kubernetes makes of services called reelport are no settings', async t => {
  const env = {
    REELPORT_SERVICE_HOST: '10.0.0.7',
    REELPORT_SERVICE_PORT: '2049',
    REELPORT_SERVICE_PORT_NFS: '2049',
    REELPORT_PORT: 'tcp://10.0.0.7:2049',
    REELPORT_PORT_2049_TCP: 'tcp://10.0.0.7:2049',
    REELPORT_PORT_2049_TCP_ADDR: '10.0.0.7',
    REELPORT_PORT_2049_TCP_PORT: '2049',
    REELPORT_PORT_2049_TCP_PROTO: 'tcp',
    REELPORT_NFS_SERVICE_HOST: '10.0.0.8',
    REELPORT_NFS_PORT: 'tcp://10.0.0.8:2049',
    REELPORT_HTTP_PORT: 'tcp://10.0.0.9:80',
  }
  t.match(load('', { env }), { nfs: { port: 2049 }, http: { port: 5004 }, warnings: [] })
})

t.test('flags: parseArgs takes the table, and the values come back in', async t => {
  const options = Object.fromEntries(
    settingFlags.map(({ name, value }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  )
  const { values } = parseArgs({
    args: ['--nfs-port', '3049', '--http-port=8080', '--data', 'd', '--log-level', 'debug', '--demo', '--nfs-hold=5s'],
    options,
  })
  t.match(load('', { flags: { ...values, json: true, 'not-a-setting': 'x' } as Record<string, string | boolean> }), {
    nfs: { port: 3049, holdMs: 5000 },
    http: { port: 8080 },
    data: join(cwd, 'd'),
    log: { level: 'debug' },
    demo: true,
  })
  const names = settingFlags.map(({ name }) => name)
  for (const name of ['config', 'data', 'nfs-port', 'nfs-host', 'http-port', 'http-host', 'log-level'])
    t.ok(names.includes(name), name)
  t.equal(new Set(names).size, names.length)
  for (const name of names)
    t.notMatch(name, /(password|token|api-key)$|username|playlist/, 'no secrets on a command line')
})

t.test('the example loads as it is, and with every line taken in', async t => {
  const plain = load(exampleYaml())
  const { file: _, ...defaults } = plain
  t.same(defaults, loadConfig({ env: {}, cwd }))
  const full = load(exampleYaml().replace(/^( *)#(?=\S)/gm, '$1'))
  t.match(full, {
    accounts: [{ id: 'main', type: 'xtream', hosts: ['http://tv.example.com:8080'], maxConnections: 1 }],
  })
  t.match(full.libraries, [{ name: 'Movies', kind: 'movies', filter: { match: '^The ', languages: ['EN', 'DE'] } }])
  t.same(full.nfs.allow, plain.nfs.allow)
})

t.test('the reference has every setting with its names and its default', async t => {
  const markdown = referenceMarkdown()
  const entries = describeConfig()
  for (const { path, variable, flag, sentence } of entries) {
    const row = markdown.split('\n').find(line => line.startsWith(`| \`${path}\` |`))
    t.ok(row?.includes(sentence), path)
    if (variable) t.ok(row?.includes(`\`${variable}\``), variable)
    if (flag) t.ok(row?.includes(`\`--${flag}\``), flag)
  }
  t.ok(entries.length > 40)
  t.match(
    entries.find(({ path }) => path === 'nfs.hold'),
    { variable: 'REELPORT_NFS_HOLD', flag: 'nfs-hold', default: '20s' },
  )
  t.match(
    entries.find(({ path }) => path === 'libraries[].name'),
    { required: true },
  )
})

t.test('a slip or two is recognised, another word is not', async t => {
  const known = ['hosts', 'username', 'usernameFile', 'password', 'maxConnections']
  for (const [typed, meant] of [
    ['host', 'hosts'],
    ['user-name', 'username'],
    ['pasword', 'password'],
    ['MAX_CONNECTIONS', 'maxConnections'],
    ['passwrod', 'password'],
    ['x', undefined],
    ['colour', undefined],
    ['', undefined],
  ]) {
    t.equal(nearest(typed!, known), meant, String(typed))
  }
  const word = fc.stringMatching(/^[ab]{0,5}$/)
  fc.assert(
    fc.property(word, word, (from, to) => {
      const distance = editDistance(from, to)
      if (distance !== editDistance(to, from)) return false
      if ((distance === 0) !== (from === to)) return false
      return distance >= Math.abs(from.length - to.length) && distance <= Math.max(from.length, to.length)
    }),
  )
  t.equal(editDistance('abcd', 'abdc'), 1)
  t.equal(editDistance('kitten', 'sitting'), 3)
})
