import { existsSync, readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { ProviderSnapshot as CataloguePort } from '../../src/catalog/ports.ts'
import * as decode from '../../src/provider/decode.ts'
import type { Account, ProviderRecord, ProviderSection, ProviderSnapshot, Timeouts } from '../../src/provider/index.ts'
import { panelBase, redacted } from '../../src/provider/urls.ts'
import {
  all,
  errorOf,
  hastyClock,
  password,
  rawUpstream,
  said,
  secretsIn,
  type Upstream,
  upstream,
  username,
  xtreamAccount,
} from './upstream.ts'

const { signal } = new AbortController()
const quick = { connectMs: 1000, headersMs: 300, stallMs: 300, answerMs: 300 }
const usable = { user_info: { auth: 1, status: 'Active', max_connections: '1' }, server_info: {} }

/** What a panel answers, by action; `''` is the log-in. A string is sent as it is. */
type Answers = Record<string, unknown>

function panel(answers: Answers): RequestListener {
  return (request, response) => {
    const parameters = new URL(request.url!, 'http://panel').searchParams
    const right = parameters.get('username') === username && parameters.get('password') === password
    const answer = right ? answers[parameters.get('action') ?? ''] : { user_info: { auth: 0 } }
    if (typeof answer === 'number') return void response.writeHead(answer).end()
    response.end(typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer ?? []))
  }
}

async function at<T>(
  answers: Answers | RequestListener,
  use: (account: Account, server: Upstream) => Promise<T>,
  timeouts: Partial<Timeouts> = quick,
): Promise<T> {
  await using server = await upstream(typeof answers === 'function' ? answers : panel({ '': usable, ...answers }))
  await using account = xtreamAccount([server.url], { timeouts })
  return await use(account, server)
}

const read = (account: Account, section: ProviderSection) => all(account.snapshot.read(section, signal))

t.test('a snapshot is what the catalogue asks for', async t => {
  const fits = (snapshot: ProviderSnapshot): CataloguePort => snapshot
  t.type(fits, 'function')
})

t.test('addresses are taken as people paste them', async t => {
  for (const [text, base] of [
    ['panel.example', 'http://panel.example/'],
    ['panel.example:8080/', 'http://panel.example:8080/'],
    ['http://panel.example:8080/player_api.php?username=a&password=b', 'http://panel.example:8080/'],
    ['https://panel.example/server1//', 'https://panel.example/server1'],
    ['https://panel.example/server1/get.php?username=a', 'https://panel.example/server1'],
    ['http://a:b@panel.example/xmltv.php#x', 'http://panel.example/'],
    [' HTTP://Panel.Example/ ', 'http://panel.example/'],
    ['[::1]:8000', 'http://[::1]:8000/'],
  ] as const) {
    t.equal(panelBase(text).href, base, text)
  }
  for (const wrong of ['', 'ftp://panel.example', 'http://', 'http://:80', 'rtmp://x/secretword']) {
    t.throws(() => panelBase(wrong), { code: 'malformed', permanent: true, message: /should look like/ })
    t.throws(() => xtreamAccount([wrong]), { code: 'malformed' })
  }
  t.throws(() => xtreamAccount([]), { code: 'malformed' })
})

t.test('the status is decoded, however it is written', async t => {
  const answers = {
    '': {
      user_info: {
        auth: '1',
        status: 'Active',
        exp_date: '1767542400',
        max_connections: '5',
        active_cons: 0,
        allowed_output_formats: ['m3u8', 'ts'],
      },
      server_info: { url: '127.0.0.1', port: '1', server_protocol: 'http', timezone: 'Europe/Paris' },
    },
  }
  await at(answers, async (account, { port }) => {
    t.same(await account.status(signal), {
      host: `127.0.0.1:${port}`,
      active: true,
      state: 'Active',
      expiresAt: 1767542400000,
      maxConnections: 5,
      connectionsInUse: 0,
      formats: ['m3u8', 'ts'],
      timezone: 'Europe/Paris',
    })
    t.equal(account.slots.stats().limit, 5)
  })
  await at(
    {
      '': {
        user_info: { auth: true, exp_date: null, max_connections: 0, active_cons: '', status: '' },
        server_info: [],
      },
    },
    async account => {
      const { active, maxConnections, expiresAt, connectionsInUse } = await account.status(signal)
      t.same([active, maxConnections, expiresAt, connectionsInUse], [true, 0, undefined, undefined])
      t.equal(account.slots.stats().limit, 8, 'unlimited is used with restraint')
    },
  )
})

t.test('an account that cannot be used says why, and keeps its lists', async t => {
  const cases: [unknown, RegExp][] = [
    [{ user_info: { auth: 0 } }, /does not accept the account's username and password/],
    [{ user_info: { auth: '0', message: `who is ${username}?` } }, /\("who is \[secret\]\?"\)/],
    [{ user_info: { auth: 1, status: 'Expired', exp_date: '1600000000' } }, /is expired since 2020-09-13/],
    [{ user_info: { auth: 1, status: 'Banned' } }, /is banned/],
    [{ user_info: { auth: 1, status: 'Disabled', message: 'Call us' } }, /is disabled \("Call us"\)/],
  ]
  for (const [answer, message] of cases) {
    await at({ '': answer }, async account => {
      const error = await errorOf(account.status(signal))
      t.equal(error.code, 'credentials')
      t.ok(error.permanent)
      t.match(error.message, message)
      t.equal((await errorOf(read(account, 'movies'))).code, 'credentials', 'empty lists are not believed')
    })
  }
})

t.test('answers to the log-in that are none', async t => {
  const cases: [unknown, string, RegExp][] = [
    ['<html>Cloudflare</html>', 'malformed', /a web page, not JSON/],
    [[], 'malformed', /not that of an Xtream panel/],
    ['', 'malformed', /empty, not JSON/],
    [`FAILED for ${username}`, 'malformed', /"FAILED for \[secret\]"/],
    [{ user_info: [] }, 'malformed', /not that of/],
    [404, 'gone', /404/],
    [403, 'refused', /403/],
    [458, 'busy', /458/],
    ['x'.repeat(33 * 2 ** 20), 'malformed', /more than 33554432 bytes/],
  ]
  for (const [answer, code, message] of cases) {
    const error = await at({ '': answer }, account => errorOf(account.status(signal)), { answerMs: 60_000 })
    t.equal(error.code, code)
    t.match(error.message, message)
  }
  t.equal(
    (
      await at(
        () => {},
        account => errorOf(account.status(signal)),
      )
    ).code,
    'timed-out',
  )
  const drip: RequestListener = (_, response) => {
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  }
  const dripped = await at(drip, account => errorOf(account.status(signal)))
  t.match(dripped, { code: 'timed-out', message: /no whole answer in 300 ms/ })
})

t.test('what may pass is tried again; what is plain is not', async t => {
  let failures = 2
  const flaky: RequestListener = (_, response) => {
    if (failures-- > 0) response.writeHead(500).end()
    else response.end(JSON.stringify(usable))
  }
  await at(flaky, async (account, { requests }) => {
    t.ok((await account.status(signal)).active)
    t.equal(requests.length, 3)
  })
  for (const [status, headers, tries] of [
    [500, {}, 3],
    [503, { 'retry-after': '7' }, 3],
    [503, { 'retry-after': '3600' }, 1],
    [403, {}, 1],
  ] as const) {
    hastyClock.slept.length = 0
    await at(
      (_, response) => void response.writeHead(status, headers).end(),
      async (account, { requests }) => {
        await errorOf(account.status(signal))
        t.equal(requests.length, tries, `${status} ${JSON.stringify(headers)}`)
        if (tries === 3 && status === 503)
          t.ok(
            hastyClock.slept.every(ms => ms >= 7000),
            'Retry-After is honoured',
          )
      },
    )
  }
})

t.test('hosts stand in for each other, and the one that answered is asked first', async t => {
  await using dead = await rawUpstream(socket => void socket.destroy())
  await using page = await upstream((_, response) => void response.end('<html>parked</html>'))
  await using good = await upstream(panel({ '': usable, get_vod_streams: [{ stream_id: 1, name: 'A' }] }))
  await using account = xtreamAccount([dead.url, `${page.url}/player_api.php`, good.url], { timeouts: quick })
  t.equal((await account.status(signal)).host, `127.0.0.1:${good.port}`)
  t.equal((await read(account, 'movies')).length, 1)
  t.equal(page.requests.length, 1, 'the others are not asked again')
  await good[Symbol.asyncDispose]()
  const error = await errorOf(account.status(signal))
  t.match(error.message, /none of 3 hosts/)
})

t.test('a wrong password is the answer even when another host does not reply', async t => {
  await using wrong = await upstream(panel({ '': { user_info: { auth: 0 } } }))
  await using dead = await rawUpstream(socket => void socket.destroy())
  await using account = xtreamAccount([dead.url, wrong.url], { timeouts: quick })
  t.equal((await errorOf(account.status(signal))).code, 'credentials')
})

t.test("streams come from the panel's own address if the login works there, else from the host", async t => {
  await using own = await upstream((request, response) => {
    if (request.url!.startsWith('/player_api')) response.end(JSON.stringify(usable))
    else response.writeHead(404).end()
  })
  const withServer = (port: number) => ({
    '': { ...usable, server_info: { url: '127.0.0.1', port, server_protocol: 'http' } },
  })
  const locator = 'series/7.mkv'
  await at(withServer(own.port), async (account, server) => {
    await account.status(signal)
    await errorOf(account.measure(locator, { priority: 'measure', signal }))
    t.match(own.requests.at(-1)!.url, /^\/series\/.*\/7\.mkv$/)
    await own[Symbol.asyncDispose]()
    await errorOf(account.measure(locator, { priority: 'measure', signal }))
    await errorOf(account.measure(locator, { priority: 'measure', signal }))
    t.match(server.requests.at(-1)!.url, /^\/series\/.*\/7\.mkv$/, 'back to the host when it is gone')
  })
})

t.test('movies: every shape of a row, categories first', async t => {
  const answers = {
    get_vod_categories: [
      { category_id: '1', category_name: 'EN | Action', parent_id: 0 },
      { category_id: 2, category_name: null },
      { category_name: 'Lost' },
      null,
    ],
    get_vod_streams: [
      {
        stream_id: 7,
        name: 'EN - Alien (1979) [4K]',
        category_id: '1',
        category_ids: [1, '2'],
        container_extension: '.MKV',
        added: '1700000000',
        tmdb: '348',
        stream_icon: 'https://img.example/a.jpg',
        plot: ' In space ',
        year: '1979',
      },
      {
        stream_id: '8',
        name: 'Two',
        category_id: null,
        container_extension: null,
        added: '',
        tmdb_id: [603],
        releaseDate: '1999-03-31',
        imdb_id: 'tt0133093',
      },
      {
        stream_id: 9,
        name: '',
        title: 'Three',
        category_ids: { 0: '5' },
        container_extension: 'a/b',
        added: 1700000000,
        stream_icon: 'file:///x',
        tmdb: 0,
        year: '',
        info: [],
      },
      { stream_id: 10, name: 1917, year: 2019, info: { tmdb_id: 530915, plot: 'War' } },
      { name: 'No id' },
      { stream_id: 11, name: null },
      { stream_id: '../etc', name: 'Bad id' },
      'nonsense',
      null,
    ],
  }
  const records = await at(answers, account => read(account, 'movies'))
  t.same(records.slice(0, 4), [
    { type: 'category', of: 'movie', key: '1', name: 'EN | Action' },
    { type: 'category', of: 'movie', key: '2', name: '2' },
    { type: 'rejected', section: 'movies', row: 'Lost', reason: 'the category has no category_id' },
    { type: 'rejected', section: 'movies', row: 'category', reason: 'the category has no category_id' },
  ])
  t.same(records.slice(4, 8), [
    {
      type: 'movie',
      key: '7',
      name: 'EN - Alien (1979) [4K]',
      categoryKeys: ['1', '2'],
      poster: 'https://img.example/a.jpg',
      year: 1979,
      tmdbId: '348',
      description: { plot: 'In space' },
      playable: { locator: 'movie/7.mkv', extension: 'mkv', addedAt: 1700000000000 },
    },
    {
      type: 'movie',
      key: '8',
      name: 'Two',
      categoryKeys: [],
      year: 1999,
      tmdbId: '603',
      imdbId: 'tt0133093',
      description: { premiered: '1999-03-31' },
      playable: { locator: 'movie/8.mp4' },
    },
    {
      type: 'movie',
      key: '9',
      name: 'Three',
      categoryKeys: ['5'],
      playable: { locator: 'movie/9.mp4', addedAt: 1700000000000 },
    },
    {
      type: 'movie',
      key: '10',
      name: '1917',
      categoryKeys: [],
      year: 2019,
      tmdbId: '530915',
      description: { plot: 'War' },
      playable: { locator: 'movie/10.mp4' },
    },
  ])
  t.same(
    records.slice(8).map(record => record.type === 'rejected' && [record.row, record.reason]),
    [
      ['No id', 'it has no stream_id'],
      ['11', 'it has no name'],
      ['Bad id', 'it has no stream_id'],
      ['film', 'it has no stream_id'],
      ['film', 'it has no stream_id'],
    ],
  )
})

t.test('shows and channels', async t => {
  const answers = {
    get_series_categories: { 3: { category_id: 3, category_name: 'Drama' } },
    get_series: {
      0: {
        series_id: 15,
        name: 'A Show',
        cover: 'http://x/c.jpg',
        last_modified: '1740596715',
        release_date: '2022-03-15',
        tmdb: 1396,
        category_id: 3,
      },
      4: { series_id: 16 },
    },
    get_live_categories: [],
    get_live_streams: [
      {
        num: '12',
        stream_id: 1,
        name: 'News',
        epg_channel_id: 'news.uk',
        tv_archive: '1',
        tv_archive_duration: '7',
        category_ids: ['9'],
      },
      { stream_id: 2, name: 'Quiet', tv_archive: 0, tv_archive_duration: 3, epg_channel_id: null },
    ],
  }
  await at(answers, async account => {
    t.same(await read(account, 'shows'), [
      { type: 'category', of: 'show', key: '3', name: 'Drama' },
      {
        type: 'show',
        key: '15',
        name: 'A Show',
        categoryKeys: ['3'],
        poster: 'http://x/c.jpg',
        year: 2022,
        tmdbId: '1396',
        modifiedAt: 1740596715000,
        description: { premiered: '2022-03-15' },
        complete: false,
      },
      { type: 'rejected', section: 'shows', row: '16', reason: 'it has no name' },
    ])
    t.same(await read(account, 'channels'), [
      {
        type: 'channel',
        key: '1',
        name: 'News',
        categoryKeys: ['9'],
        number: 12,
        guideId: 'news.uk',
        archiveDays: 7,
        locator: 'live/1',
      },
      { type: 'channel', key: '2', name: 'Quiet', categoryKeys: [], locator: 'live/2' },
    ])
    t.throws(() => account.snapshot.read('playlist', signal), /no section playlist/)
  })
})

t.test('what a panel says of a title, in the ways that panels have for it', async t => {
  const address = 'https://image.tmdb.org/t/p/w1280/b.jpg'
  const told = async (row: object) => {
    const answers = { get_vod_categories: [], get_vod_streams: [{ stream_id: 1, name: 'A', ...row }] }
    const [record] = await at(answers, account => read(account, 'movies'))
    return record?.type === 'movie' ? record.description : undefined
  }
  t.same(
    await told({
      plot: 'P',
      o_name: 'O',
      genre: 'Action, Drama / Crime',
      rating: '7.5',
      director: 'A B',
      cast: 'C D,E F, ',
      releaseDate: '2019-05-01 00:00:00',
      episode_run_time: '97',
      youtube_trailer: 'https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=1',
      backdrop_path: [address],
      subtitles: [
        { language: 'en', url: 'http://s.example/1.srt' },
        { index: 2, codec_name: 'subrip' },
      ],
    }),
    {
      plot: 'P',
      originalTitle: 'O',
      genres: ['Action', 'Drama', 'Crime'],
      rating: 7.5,
      directors: ['A B'],
      cast: ['C D', 'E F'],
      premiered: '2019-05-01',
      runtimeMinutes: 97,
      trailer: 'dQw4w9WgXcQ',
      backdrop: address,
      subtitles: [{ locator: 'http://s.example/1.srt', language: 'en' }],
    },
  )
  t.same(await told({ rating_5based: 4.1, info: { duration_secs: 5400, backdrop_path: address } }), {
    ...{ rating: 8.2, runtimeMinutes: 90, backdrop: address },
  })
  const nothing = { rating: 0, genre: '', cast: ' , ', backdrop_path: [], youtube_trailer: '-', episode_run_time: 0 }
  t.equal(await told({ ...nothing, releaseDate: '0000-00-00', subtitles: [], plot: null }), undefined)
})

t.test('no address of a picture or of subtitles shows the login', async t => {
  const row = (base: string) => ({
    stream_id: 1,
    name: 'A',
    stream_icon: `${base}/p.jpg`,
    backdrop_path: [`${base}/b.jpg`],
    subtitles: [`${base}/s.srt`],
  })
  const ask = async (base: string) =>
    (await at({ get_vod_categories: [], get_vod_streams: [row(base)] }, account => read(account, 'movies')))[0]
  t.match(await ask(`http://x/${encodeURIComponent(username)}/${encodeURIComponent(password)}`), {
    poster: 'http://x/{username}/{password}/p.jpg',
    description: {
      backdrop: 'http://x/{username}/{password}/b.jpg',
      subtitles: [{ locator: 'http://x/{username}/{password}/s.srt' }],
    },
  })
  const inUrl = `http://${encodeURIComponent(username)}:${encodeURIComponent(password)}@x`
  const shown = JSON.stringify(await ask(inUrl))
  t.notOk(
    shown.includes(password) || shown.includes(encodeURIComponent(password)),
    'left out where it cannot be replaced',
  )
})

const one = { id: '101', episode_num: '1', title: 'Pilot', container_extension: 'mkv', added: '1700000000', season: 1 }
const two = { id: 102, episode_num: 2, title: '', container_extension: '', info: [] }

t.test('seasons come with their posters', async t => {
  const answer = {
    seasons: [
      { season_number: 1, cover: 'http://x/1.jpg', cover_big: 'http://x/1-big.jpg' },
      { season_number: 2, cover: '' },
      { name: 'no number', cover: 'http://x/3.jpg' },
    ],
    episodes: [one],
  }
  const records = await at({ get_series_info: answer }, account => account.snapshot.episodes('15', signal))
  t.same(records[0], { type: 'season', showKey: '15', season: 1, poster: 'http://x/1-big.jpg' })
  t.same(
    records.map(({ type }) => type),
    ['season', 'episode'],
  )
})

t.test('episodes: the shapes that panels have for them', async t => {
  const seasons = async (episodes: unknown, more: object = { info: [], seasons: null }) => {
    const answer = { ...more, episodes }
    const records = await at({ get_series_info: answer }, account => account.snapshot.episodes('15', signal))
    return records.map(record =>
      record.type === 'episode' ? `${record.season}x${record.number} ${record.key}` : record,
    )
  }
  t.same(await seasons({ 1: [one], 2: [two] }), ['1x1 101', '2x2 102'], 'an object by season')
  t.same(await seasons([[two], [one]]), ['0x2 102', '1x1 101'], 'a list whose positions are the seasons')
  t.same(await seasons([one, two]), ['1x1 101', '1x2 102'], 'one flat list')
  t.same(await seasons({ 3: { 0: two, 5: one } }), ['3x2 102', '1x1 101'], 'objects in an object')
  for (const none of [[], {}, null, '', undefined]) t.same(await seasons(none), [])
  t.same(await seasons({ 0: [{ ...two, season: 0 }] }), ['0x2 102'], 'specials')
  t.same(
    await seasons([
      { id: 5, title: 'Show - S03E07 - x' },
      { id: 6, episode: '4', season_num: '2' },
      { id: 7, info: { season: 5, episode_num: 8 } },
    ]),
    ['3x7 5', '2x4 6', '5x8 7'],
  )
  t.match(await seasons([{ episode_num: 1 }, { id: 'x', title: 'Extra' }]), [
    { type: 'rejected', section: 'shows', reason: /has no id/ },
    { type: 'rejected', section: 'shows', row: 'x', reason: /has no episode_num/ },
  ])
  const [record] = await at({ get_series_info: { episodes: [one] } }, account =>
    account.snapshot.episodes('15', signal),
  )
  t.same(record, {
    type: 'episode',
    key: '101',
    showKey: '15',
    season: 1,
    number: 1,
    title: 'Pilot',
    playable: { locator: 'series/101.mkv', extension: 'mkv', addedAt: 1700000000000 },
  })
  t.same(await at({ get_series_info: [] }, account => account.snapshot.episodes('15', signal)), [])
})

t.test('what is no list of episodes is an error', async t => {
  for (const [answer, code] of [
    [{ user_info: { auth: 0 } }, 'credentials'],
    [{ error: 'no such series' }, 'malformed'],
    ['null', 'malformed'],
    ['<html>', 'malformed'],
    [500, 'failed'],
  ] as const) {
    const error = await at({ get_series_info: answer }, account => errorOf(account.snapshot.episodes('15', signal)))
    t.equal(error.code, code, JSON.stringify(answer))
  }
})

t.test('an empty list is passed on as empty; a list that cannot be had throws', async t => {
  t.same(await at({}, account => read(account, 'movies')), [])
  const row = { stream_id: 1, name: 'A' }
  const cases: [unknown, string, RegExp][] = [
    ['<html>busy</html>', 'malformed', /a web page, not a list/],
    ['', 'malformed', /empty/],
    ['null', 'malformed', /"null", not a list/],
    [{ user_info: { auth: 0 } }, 'credentials', /does not accept/],
    [{ user_info: { auth: 1, status: 'Active' } }, 'malformed', /account's status instead/],
    [{ error: `wrong ${password}` }, 'malformed', /"error: wrong \[secret\]"/],
    [503, 'busy', /503/],
    [JSON.stringify([row, row]).slice(0, -5), 'cut-short', /after 1 whole rows/],
    [gzipSync(JSON.stringify([row, row])).subarray(0, 30), 'cut-short', /gzip data end early/],
  ]
  for (const [answer, code, message] of cases) {
    const error = await at({ get_vod_streams: answer }, account => errorOf(read(account, 'movies')))
    t.equal(error.code, code)
    t.match(error.message, message)
  }
})

t.test('a list that breaks off has yielded what came', async t => {
  const before: ProviderRecord[] = []
  const broken: RequestListener = (request, response) => {
    if (!request.url!.includes('get_vod_streams')) return panel({ '': usable })(request, response)
    response.writeHead(200, { 'content-length': 1000 })
    response.write(
      '[{"stream_id":1,"name":"A name that is long enough for a list to have begun"},{"stream_id":2,',
      () => response.destroy(),
    )
  }
  const error = await at(broken, account =>
    errorOf(
      (async () => {
        for await (const record of account.snapshot.read('movies', signal)) before.push(record)
      })(),
    ),
  )
  t.equal(error.code, 'cut-short')
  t.equal(before.length, 1)
})

t.test('a bad row is named by its id; answers may be gzipped, said or not', async t => {
  const list = '\ufeff[{"stream_id":1,"name":"A"},{"stream_id":"77","name":oops},{"stream_id":2,"name":"B"}]'
  const gzipped: RequestListener = (request, response) => {
    if (!request.url!.includes('get_vod_streams')) return panel({ '': usable })(request, response)
    response.setHeader('content-encoding', 'gzip')
    response.end(gzipSync(list))
  }
  for (const answers of [
    { get_vod_streams: list },
    { get_vod_streams: gzipSync(list) },
    { get_vod_streams: gzipSync(gzipSync(list)) },
    gzipped,
  ]) {
    const records = await at(answers, account => read(account, 'movies'))
    t.match(records, [{ key: '1' }, { type: 'rejected', row: '77', reason: 'it is not valid JSON' }, { key: '2' }])
  }
})

t.test('leaving a list ends its request; aborting rejects with the reason', async t => {
  const closed = Promise.withResolvers<void>()
  const endless: RequestListener = (request, response) => {
    if (!request.url!.includes('get_vod_streams')) return panel({ '': usable })(request, response)
    response.on('close', closed.resolve)
    response.write(`[${'{"stream_id":1,"name":"A"},'.repeat(100)}`)
  }
  await at(endless, async account => {
    for await (const _ of account.snapshot.read('movies', signal)) break
    await closed.promise
    const abort = new AbortController()
    await t.rejects(
      async () => {
        for await (const _ of account.snapshot.read('movies', abort.signal)) abort.abort(new Error('stop'))
      },
      { message: 'stop' },
    )
  })
})

t.test('150,000 films of 80 MB are read as a stream', async t => {
  const row = {
    num: 1,
    name: 'EN - A film (2019)',
    stream_id: 1,
    category_id: '1',
    category_ids: [1],
    added: '1700000000',
    container_extension: 'mkv',
    plot: 'x'.repeat(400),
    tmdb: '1',
  }
  const many: RequestListener = (request, response) => {
    if (!request.url!.includes('get_vod_streams')) return panel({ '': usable })(request, response)
    const hundred = Buffer.from(`,${Array(100).fill(JSON.stringify(row)).join(',')}`)
    let sent = 0
    const write = () => {
      while (sent < 150_000) {
        sent += 100
        if (!response.write(sent === 100 ? Buffer.concat([Buffer.from('['), hundred.subarray(1)]) : hundred)) return
      }
      response.end(']')
    }
    response.on('drain', write)
    write()
  }
  await at(many, async account => {
    const started = performance.now()
    let movies = 0
    for await (const record of account.snapshot.read('movies', signal)) if (record.type === 'movie') movies++
    t.equal(movies, 150_000)
    t.comment(`150,000 films in ${Math.round(performance.now() - started)} ms, the server in the same process`)
  })
})

t.test('values are read as what they must have meant', async t => {
  const { count, extension, flag, id, ids, imdbId, list, number, text, time, tmdbId, webAddress, year } = decode
  const table: [(...values: never[]) => unknown, unknown, unknown][] = [
    [number, '7.5', 7.5],
    [number, -1, -1],
    [number, '', undefined],
    [number, null, undefined],
    [number, 'None', undefined],
    [number, Number.NaN, undefined],
    [number, '0x10', undefined],
    [number, [], undefined],
    [count, '12', 12],
    [count, -1, undefined],
    [count, 1.5, undefined],
    [count, '9'.repeat(20), undefined],
    [flag, 1, true],
    [flag, '1', true],
    [flag, 'true', true],
    [flag, true, true],
    [flag, '0', false],
    [flag, 'None', undefined],
    [flag, null, undefined],
    [flag, 2, undefined],
    [text, '  x ', 'x'],
    [text, 5, '5'],
    [text, '', undefined],
    [text, {}, undefined],
    [text, true, undefined],
    [id, 12, '12'],
    [id, 'a-b_C', 'a-b_C'],
    [id, 'null', undefined],
    [id, 'a/b', undefined],
    [id, '', undefined],
    [ids, ['1', 2, null, [3], '1'], ['1', '2']],
    [ids, { a: 4 }, ['4']],
    [ids, '5', ['5']],
    [ids, null, []],
    [list, [1], [1]],
    [list, { 0: 1, 5: 2 }, [1, 2]],
    [list, null, []],
    [list, '', []],
    [list, 'x', ['x']],
    [time, '1700000000', 1.7e12],
    [time, 1700000000000, 1.7e12],
    [time, '0', undefined],
    [time, '', undefined],
    [time, '2023-11-14 22:13:20', 1.7e12],
    [time, 'soon', undefined],
    [time, '2023-99-99', undefined],
    [year, '2019', 2019],
    [year, 2019, 2019],
    [year, '2019-05-01', 2019],
    [year, '20190501', undefined],
    [year, '0', undefined],
    [year, '1612', undefined],
    [tmdbId, 603, '603'],
    [tmdbId, '603', '603'],
    [tmdbId, ['603'], '603'],
    [tmdbId, '', undefined],
    [tmdbId, '0', undefined],
    [tmdbId, [], undefined],
    [imdbId, 'tt0133093', 'tt0133093'],
    [imdbId, '133093', undefined],
    [webAddress, 'https://x/a.jpg', 'https://x/a.jpg'],
    [webAddress, ['http://x/b'], 'http://x/b'],
    [webAddress, '', undefined],
    [webAddress, 'data:image', undefined],
    [extension, '.MP4', 'mp4'],
    [extension, 'mkv', 'mkv'],
    [extension, '', undefined],
    [extension, null, undefined],
    [extension, 'a b', undefined],
  ]
  for (const [read, value, meant] of table)
    t.same((read as (value: unknown) => unknown)(value), meant, `${read.name} of ${JSON.stringify(value)}`)
})

t.test('the login is taken out of what is shown, in each of its spellings', async t => {
  const login = { username: 'a b&c', password: 'p/w' }
  t.equal(redacted('a b&c, a%20b%26c, a+b%26c: p/w p%2Fw', login), '[secret], [secret], [secret]: [secret] [secret]')
  t.equal(redacted('text', {}), 'text')
})

const corpora = process.env.REELPORT_CORPORA
const raw = corpora === undefined ? undefined : join(corpora, 'xtream-api/tests/snapshots/raw')
const skip = raw !== undefined && existsSync(raw) ? false : 'REELPORT_CORPORA does not name a folder with xtream-api'
t.test("another client's recorded answers are read without a rejected row", { skip }, async t => {
  const load = (name: string) => readFileSync(join(raw!, `${name}.json`), 'utf8')
  const answers = {
    '': `{"user_info":${load('profile')},"server_info":${load('server-info').replace('api.example-iptv.com', '127.0.0.1').replace('2052', '1').replace('443', '1')}}`,
    get_vod_categories: load('movie-categories'),
    get_vod_streams: load('movies'),
    get_series_categories: load('show-categories'),
    get_series: load('shows'),
    get_live_categories: load('categories'),
    get_live_streams: load('channels'),
    get_series_info: load('show'),
  }
  await at(answers, async account => {
    t.match(await account.status(signal), { state: 'Active', maxConnections: 5, timezone: 'UTC' })
    for (const section of account.snapshot.sections) {
      const records = await read(account, section)
      t.ok(records.length > 5, `${records.length} ${section}`)
      t.same(
        records.filter(({ type }) => type === 'rejected'),
        [],
      )
    }
    const episodes = await account.snapshot.episodes('1', signal)
    const types = new Set(episodes.map(({ type }) => type))
    t.ok(types.has('episode') && !types.has('rejected'), `${episodes.length} episodes`)
  })
})

t.test('nothing that was said or thrown holds the login', async t => {
  t.ok(said.length > 100, `${said.length} texts were looked at`)
  t.same(secretsIn(said.join('\n')), [])
})
