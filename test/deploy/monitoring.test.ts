import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { dataDirectory } from '../lib/access.ts'
import { makeCertificate } from '../lib/certificates.ts'
import { parseExposition } from '../lib/exposition.ts'
import { startReceiver } from '../lib/hook-receiver.ts'
import { PlexServer, simToken } from '../lib/plex-server.ts'
import { run, without } from '../lib/programs.ts'
import { scene } from '../lib/served-live.ts'

/** The dashboard and the alerts, by Prometheus' own tool, and beside what a running server says. */

t.setTimeout(240_000)

const deploy = join(import.meta.dirname, '../../deploy')
const alertsFile = join(deploy, 'prometheus/alerts.yaml')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}
const dashboard = JSON.parse(readFileSync(join(deploy, 'grafana/reelport.json'), 'utf8')) as {
  panels: readonly Panel[]
}
const alerts = (parse(readFileSync(alertsFile, 'utf8')) as { groups: { rules: { expr: string }[] }[] }).groups
/** As Grafana fills its variables in. */
const asked = dashboard.panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')),
)

t.test('alerts are raised by what they are for, and by nothing else', { skip: without('promtool') }, async t => {
  const directory = t.testdir()
  copyFileSync(alertsFile, join(directory, 'alerts.yaml'))
  copyFileSync(join(import.meta.dirname, 'alerts.test.yaml'), join(directory, 'alerts.test.yaml'))
  const checked = await run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', alertsFile])
  t.equal(checked.status, 0, checked.stdout + checked.stderr)
  const tested = await run('promtool', ['test', 'rules', join(directory, 'alerts.test.yaml')])
  t.equal(tested.status, 0, tested.stdout + tested.stderr)
})

t.test('every panel asks what Prometheus understands', { skip: without('promtool') }, async t => {
  t.ok(asked.length > 50)
  const rules = asked.map((expr, at) => ({ record: `panel:number_${at}`, expr }))
  const file = join(t.testdir(), 'panels.yaml')
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }))
  const checked = await run('promtool', ['check', 'rules', file])
  t.equal(checked.status, 0, checked.stdout + checked.stderr)
})

t.test(
  'every metric that is asked for is one that a server has',
  { skip: without('ffmpeg', 'ffprobe', 'openssl') },
  async t => {
    await using plex = await PlexServer.start({ now: Date.now })
    const receiver = await startReceiver(t)
    const { cert, key } = await makeCertificate(dataDirectory(t), 'monitored')
    const config = join(dataDirectory(t), 'reelport.yaml')
    const settings = {
      webhooks: [{ name: 'chat', url: receiver.url.reveal() }],
      plex: { url: plex.url.href, token: simToken },
      http: { tls: { port: 0, cert, key } },
    }
    writeFileSync(config, JSON.stringify(settings), { mode: 0o600 })
    const { url } = await scene(t, { flags: { config } })
    const { types } = parseExposition(await (await fetch(`${url}/metrics`)).text())
    const known = new Set(
      [...types].flatMap(([name, type]) =>
        type === 'histogram' ? ['bucket', 'sum', 'count'].map(part => `${name}_${part}`) : [name],
      ),
    )
    const wanted = [...asked, ...alerts.flatMap(({ rules }) => rules.map(({ expr }) => expr))].flatMap(
      expr => expr.match(/\breelport_\w+/g) ?? [],
    )
    t.ok(wanted.length > 70)
    t.same(
      [...new Set(wanted)].filter(name => !known.has(name)),
      [],
    )
  },
)
