import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { Secret } from '../../src/lib/secret.ts'
import { plexApi } from '../../src/plex/api.ts'
import { findToken, link, type PlexError, readServer } from '../../src/plex/index.ts'
import { clientOf, hastyClock } from '../lib/plex-client.ts'
import { plexJudge } from '../lib/plex-judge.ts'
import { PlexServer, simToken } from '../lib/plex-server.ts'

const never = new AbortController().signal
const start = async () => {
  const clock = hastyClock()
  const server = await PlexServer.start({ now: clock.now })
  return { clock, server }
}

t.test('a server says who it is', async t => {
  const { server } = await start()
  t.teardown(() => server[Symbol.asyncDispose]())
  await using http = clientOf(server)
  t.match(await readServer(http, never), {
    ...{ machineIdentifier: 'abc0123', version: '1.41.3.9314', name: 'Den' },
    ...{ claimed: true, allowsTuners: true, hasHdhomerun: true },
  })
  t.same(server.wrong, [], 'every request is as documented')
})

t.test('what goes wrong is named, with the server and the request, and never the token', async t => {
  const { server } = await start()
  t.teardown(() => server[Symbol.asyncDispose]())
  const code = async (fault: Parameters<PlexServer['fail']>[1], expected: string, answerMs?: number) => {
    server.heal()
    server.fail(/^GET \/activities$/, fault)
    await using http = clientOf(server, answerMs === undefined ? {} : { answerMs })
    const error = await plexApi(http, never)
      .activities()
      .then(
        () => undefined,
        (error: PlexError) => error,
      )
    t.equal(error?.code, expected, `${fault}: ${error?.message}`)
    t.match(error?.message, `GET /activities at ${server.url.host}`)
    t.notMatch(error?.message, simToken)
  }
  await code(500, 'failed')
  await code(404, 'not-found')
  await code(400, 'refused')
  await code('garbage', 'malformed')
  await code('cut', 'unreachable')
  await code('close', 'unreachable')
  await code('hang', 'timed-out', 50)

  server.heal()
  await using stranger = clientOf(server, { token: 'wrong-token-000000' })
  await t.rejects(plexApi(stranger, never).dvrs(), { code: 'unauthorized', message: /reelport plex link/ })
  await t.rejects(plexApi(stranger, never).createDvr('device://none', 'lineup://none', 'eng'), { code: 'unauthorized' })
  await using http = clientOf(server)
  await t.rejects(
    plexApi(http, never).createDvr('device://none', 'lineup://none', 'eng'),
    { code: 'refused', message: /The device does not exist/ },
    'an error with HTTP status 200',
  )
  const closed = createServer()
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise(resolve => closed.close(resolve))
  await using nobody = clientOf({ url: new URL(`http://127.0.0.1:${port}`) })
  await t.rejects(readServer(nobody, never), { code: 'unreachable', message: /nothing listens there/ })
})

t.test('the token comes from the first place that has one', async t => {
  const folder = t.testdir({
    linked: `${simToken}\n`,
    file: 'token-of-the-file-1\n',
    odd: 'two words\n',
    'Preferences.xml': `<?xml version="1.0"?>\n<Preferences OldestPreviousVersion="1" PlexOnlineToken="prefs-token-0001" PlexOnlineMail="x"/>`,
    'Unsigned.xml': '<Preferences OldestPreviousVersion="1"/>',
  })
  const at = (name: string) => join(folder, name)
  const from = (sources: Partial<Parameters<typeof findToken>[0]>) => {
    const all = { token: undefined, tokenFile: undefined, linkedFile: undefined, preferences: [], ...sources }
    return findToken(all).token.reveal()
  }
  const everything = { linkedFile: at('linked'), preferences: [at('Preferences.xml')] }
  t.equal(from({ ...everything, token: new Secret('configured-token'), tokenFile: at('file') }), 'configured-token')
  t.equal(from({ ...everything, tokenFile: at('file') }), 'token-of-the-file-1')
  t.equal(from(everything), simToken)
  t.equal(from({ linkedFile: at('absent'), preferences: [at('absent'), at('Preferences.xml')] }), 'prefs-token-0001')
  const none = { linkedFile: at('absent'), preferences: [at('Unsigned.xml')] }
  t.throws(() => from(none), { code: 'no-token', message: /not signed in.*Run reelport plex link, or set plex.token/ })
  t.throws(() => from({ tokenFile: at('absent') }), { code: 'no-token', message: /ENOENT/ })
  t.throws(() => from({ tokenFile: at('odd') }), { code: 'no-token', message: /is not a token/ })
  writeFileSync(at('bom'), `\uFEFF${simToken}`)
  t.equal(from({ tokenFile: at('bom') }), simToken, 'with a byte order mark')
})

t.test('signing in by a code', async t => {
  const { server, clock } = await start()
  t.teardown(() => server[Symbol.asyncDispose]())
  await using http = clientOf(server, { token: undefined })
  const shown: string[] = []
  const token = await link({ http, clock, show: code => void shown.push(code) }, never)
  t.equal(token.reveal(), simToken)
  t.same(shown, ['AB12'])
  server.pinLooks = Number.POSITIVE_INFINITY
  await t.rejects(link({ http, clock, show: () => {} }, never), { code: 'expired', message: /AB12 was not entered/ })
})

t.test('the judge of requests knows wrong ones', async t => {
  const { judge } = await plexJudge()
  const headers = { 'x-plex-token': simToken, 'x-plex-client-identifier': 'test', accept: 'application/json' }
  const wrong = (method: string, url: string) => judge(method, url, headers).join('; ')
  t.equal(wrong('GET', '/livetv/epg/channelmap?device=d&lineup=l'), '')
  t.match(wrong('GET', '/livetv/epg/channelmap?device=d'), /lineup/)
  t.match(wrong('GET', '/livetv/epg/channelmap?device=d&lineup=l&force=1'), /force, which is not documented/)
  t.equal(wrong('PUT', '/media/grabbers/devices/1/channelmap?channelsEnabled=5.1&channelMapping[5.1]=5.1'), '')
  t.match(wrong('PUT', '/media/grabbers/devices/first/channelmap?channelsEnabled=5.1'), /integer/)
  t.match(wrong('POST', '/library/sections/all?name=a&type=movie&agent=b&language=en'), /type/)
  t.match(wrong('DELETE', '/livetv/everything'), /no such request is documented/)
  t.match(judge('POST', '/livetv/dvrs', { accept: 'application/json' }).join(), /x-plex-client-identifier/i)
})
