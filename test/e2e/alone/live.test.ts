import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { without } from '../../lib/programs.ts'
import type { ServedDemo } from '../../lib/served-demo.ts'
import { type LineupRow, scene, taste } from '../../lib/served-live.ts'
import { checkTs } from '../../lib/ts-check.ts'
import { until } from '../../lib/until.ts'

/** Live channels as media servers and players see them. */

const run = promisify(execFile)

function keepsToTheLimit(t: import('tap').Test, { demo }: ServedDemo): void {
  t.ok(demo.connections.peak <= demo.limits.maxConnections, `${demo.connections.peak} connections at once`)
}

t.test('every channel plays, whatever the provider sends it as', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  const { served, rows } = await scene(t, { demo: { maxConnections: 4 } })
  t.ok(rows.length >= 8, `${rows.length} channels`)
  for (const { GuideName, URL } of rows) {
    const bytes = await taste(URL, 400_000)
    t.strictSame(checkTs(bytes, 5).errors, [], GuideName)
    const file = join(t.testdir(), 'taste.ts')
    writeFileSync(file, bytes)
    const { stdout } = await run('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=codec_type',
      '-of',
      'csv=p=0',
      file,
    ])
    t.match(stdout, /video/, GuideName)
    t.match(stdout, /audio/, GuideName)
  }
  await until('all connections to be free', () => served.app.status().accounts[0]!.slots.inUse.live === 0)
  t.strictSame(served.app.status().live!.sessions, [])
  keepsToTheLimit(t, served)
})

t.test('more viewers than connections: who shares a channel is served, who does not is told at once', async t => {
  const { served, rows, api } = await scene(t, { demo: { maxConnections: 1 } })
  const leaving = new AbortController()
  const [one, two] = rows
  const viewers = await Promise.all([1, 2, 3].map(() => fetch(one!.URL, { signal: leaving.signal })))
  t.strictSame(
    viewers.map(({ status }) => status),
    [200, 200, 200],
  )
  const refused = await fetch(two!.URL)
  t.equal(refused.status, 503)
  t.match(refused.headers.get('x-hdhomerun-error'), /^805/)
  const { sessions } = (await api('/api/live')) as { sessions: { viewers: unknown[] }[] }
  t.match(sessions, [{ viewers: { length: 3 } }])
  leaving.abort()
  await until('the connection to be free', () => served.app.status().accounts[0]!.slots.inUse.live === 0)
  t.equal((await taste(two!.URL, 50_000)).length > 0, true, 'now the other one plays')
  keepsToTheLimit(t, served)
})

t.test(
  'the guide is valid for the tools of its format, and the same after a restart',
  { skip: without('xmllint', 'tv_validate_file', 'tv_sort') },
  async t => {
    const { served, url, rows } = await scene(t)
    const guide = async () => {
      const answer = await fetch(`${url}/guide.xml`)
      return answer.ok && { text: await answer.text(), etag: answer.headers.get('etag')! }
    }
    const first = await until('a guide with programmes', async () => {
      const found = await guide()
      return found !== false && found.text.includes('<programme') && found
    })
    const file = join(mkdtempSync(join(tmpdir(), 'reelport-guide-')), 'guide.xml')
    writeFileSync(file, first.text)
    const env = { ...process.env, XMLTV_SUPPLEMENT: '/usr/share/xmltv' }
    t.match(execFileSync('tv_validate_file', [file], { env, encoding: 'utf8' }), /Validated ok/)
    execFileSync('xmllint', ['--noout', '--dtdvalid', '/usr/share/xmltv/xmltv.dtd', file])
    const { stderr } = await run('tv_sort', ['--output', '/dev/null', file], { env })
    t.equal(stderr, '', 'no overlaps, nothing that stops before it starts')
    for (const { GuideNumber } of rows) t.match(first.text, `<display-name>${GuideNumber}</display-name>`)
    const packed = Buffer.from(await (await fetch(`${url}/guide.xml.gz`)).arrayBuffer())
    t.equal(gunzipSync(packed).toString(), first.text)
    t.equal((await fetch(`${url}/guide.xml`, { headers: { 'if-none-match': first.etag } })).status, 304)

    await served.stop()
    served.demo.faults.answers = { 'xmltv.php': { status: 500 }, 'api/*': { status: 500 } }
    await served.start()
    t.equal(((await guide()) || { text: '' }).text, first.text, 'what was good is served while there is nothing better')
    const again = (await (await fetch(`${url}/lineup.json`)).json()) as readonly LineupRow[]
    t.strictSame(again, rows)
  },
)

t.test('an upstream that dies is followed by the channel’s other one', async t => {
  const { served, url, rows, api } = await scene(t)
  const channels = (await api('/api/channels?limit=100')) as {
    name: string
    number: string
    upstreams: { locator: string }[]
  }[]
  const several = channels.find(({ upstreams }) => upstreams.length > 1)
  if (several === undefined) return t.pass('the demo has no channel with several upstreams')
  const [first] = several.upstreams
  const row = rows.find(({ GuideNumber }) => GuideNumber === several.number)!
  const target = first!.locator.replace(/\.\w+$/, '')
  served.demo.faults.answers[target] = { status: 500 }
  served.demo.faults.answers[`${target}/*`] = { status: 500 }
  const bytes = await taste(row.URL, 300_000)
  t.strictSame(checkTs(bytes, 5).errors, [])
  const { failures } = (await (await fetch(`${url}/api/live`)).json()) as { failures: { reason: string }[] }
  t.ok(
    failures.length > 0 && failures.every(({ reason }) => !reason.includes(served.demo.credentials.password.reveal())),
  )
})

t.test('a browser plays the playlists', { skip: without('chromium') }, async t => {
  const { url, rows } = await scene(t)
  const script = createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js')
  const page = `<!doctype html><video muted autoplay></video><script src="/hls.js"></script><script>
    const video = document.querySelector('video'), errors = []
    const hls = new Hls()
    hls.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal) errors.push(details) })
    hls.loadSource(new URLSearchParams(location.search).get('source'))
    hls.attachMedia(video)
    const tell = () => fetch('/told', { method: 'POST', body: JSON.stringify({ time: video.currentTime, width: video.videoWidth, errors }) })
    const watch = setInterval(() => { if (video.currentTime > 2 || errors.length > 0) { clearInterval(watch); tell() } }, 100)
  </script>`
  const told = Promise.withResolvers<{ time: number; width: number; errors: string[] }>()
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/hls.js')) return void response.end(readFileSync(script))
    if (request.method !== 'POST') return void response.setHeader('content-type', 'text/html').end(page)
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      response.end()
      told.resolve(JSON.parse(body))
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const source = `${url}/hls/v${rows[0]!.GuideNumber}/index.m3u8`
  const profile = mkdtempSync(join(tmpdir(), 'reelport-chromium-'))
  const browser = execFile('chromium', [
    ...[
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--mute-audio',
      '--autoplay-policy=no-user-gesture-required',
    ],
    ...[`--user-data-dir=${profile}`, `http://127.0.0.1:${port}/?source=${encodeURIComponent(source)}`],
  ])
  t.teardown(() => browser.kill('SIGKILL'))
  const { time, width, errors } = await told.promise
  t.strictSame(errors, [])
  t.ok(time > 2 && width > 0, `${time.toFixed(1)} s of a picture ${width} wide`)
})

t.test('what a person sees of channels', async t => {
  const { served, rows } = await scene(t)
  const reelport = async (...args: string[]) => {
    const main = join(import.meta.dirname, '../../../src/cli/main.ts')
    const flags = ['--conditions=@nfs/source', main, ...args, '--data', served.config.data]
    return await run(process.execPath, flags, { env: { ...process.env, NO_COLOR: '1' } }).catch(error => error)
  }
  const list = await reelport('channels')
  t.match(list.stdout, /number +name +group +upstreams +state\n/)
  for (const { GuideNumber, GuideName } of rows)
    t.match(list.stdout, new RegExp(`${GuideNumber} +${GuideName.replace(/[+().]/g, '.')}`))
  const { GuideNumber } = rows[0]!
  t.match((await reelport('channels', 'set', GuideNumber, 'name=Another Name', 'number=7')).stdout, /^7 +Another Name/)
  t.match((await reelport('channels', 'set', '7', 'separate=999999')).stdout, /"separate":\[999999\]/)
  t.match((await reelport('channels', 'set', '7', 'separate=')).stdout, /"separate":\[\]/)
  t.match((await reelport('channels', 'set', '7', 'colour=red')).stderr, /no "colour"; known/)
  const hidden = await until('it to be shown', async () => {
    const lineup = (await (await fetch(`${served.app.http.url}/lineup.json`)).json()) as readonly LineupRow[]
    return lineup.find(({ GuideNumber }) => GuideNumber === '7')
  })
  t.equal(hidden.GuideName, 'Another Name')
  t.match((await reelport('channels', 'test', '7')).stdout, /ok in \d+ ms/)
  await until('a guide', async () => (await fetch(`${served.app.http.url}/guide.xml`)).ok)
  t.match((await reelport('guide', 'check')).stdout, /channels were found in a guide/)
  t.match((await reelport('channels', 'report')).stdout, /device 0 [0-9A-F]{8} reelport: \d+ channels/)
  t.match((await reelport('status')).stdout, /tuner [0-9A-F]{8} +reelport, \d+ channels/)
  const { text } = { text: await (await fetch(`${served.app.http.url}/metrics`)).text() }
  t.match(text, /^reelport_live_sessions_total \d+$/m)
  t.match(text, /^reelport_tuner_channels \d+$/m)
  t.ok(existsSync(join(served.config.data, 'lineup.sqlite')))
})
