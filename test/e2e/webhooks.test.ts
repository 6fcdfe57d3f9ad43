import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { startReceiver } from '../lib/hook-receiver.ts'
import { without } from '../lib/programs.ts'
import { reelport } from '../lib/reelport.ts'
import { scene } from '../lib/served-live.ts'
import { until } from '../lib/until.ts'

/** The whole server before somebody who wants to be told. */

t.setTimeout(240_000)

t.test(
  'a server tells of syncs, titles and channels, and nothing private',
  { skip: without('ffmpeg', 'ffprobe') },
  async t => {
    const receiver = await startReceiver(t)
    const secret = 'a secret of the two'
    const directory = t.testdir()
    const file = join(directory, 'reelport.yaml')
    for (const [name, text] of [
      ['url', `${receiver.url.reveal()}\n`],
      ['secret', secret],
      ['reelport.yaml', 'webhooks:\n  - { name: chat, urlFile: url, secretFile: secret }\n'],
    ] as const)
      writeFileSync(join(directory, name), text, { mode: 0o600 })
    const { served, rows } = await scene(t, { demo: { hls: true }, flags: { config: file } })
    const { data } = served.config
    const judge = new Webhook(secret, { format: 'raw' })
    const told = (type: string) =>
      receiver.received
        .map(
          ({ body, headers }) =>
            judge.verify(body, headers as Record<string, string>) as { type: string; data: object },
        )
        .find(event => event.type === type)?.data
    const toldOf = (type: string) => until(type, () => told(type))

    t.match(await toldOf('sync.finished'), {
      ok: true,
      accounts: [{ accountId: 'main', sections: [{ outcome: 'complete' }] }],
    })

    const channels = (await (await fetch(`${served.app.http.url}/api/channels?limit=100`)).json()) as {
      number: string
      upstreams: { locator: string }[]
    }[]
    for (const { locator } of channels.find(({ number }) => number === rows[0]!.GuideNumber)!.upstreams)
      served.demo.faults.answers[locator.replace(/\.\w+$/, '')] = { instead: 'html' }
    const refused = await fetch(rows[0]!.URL)
    t.equal(refused.status, 503)
    t.match(await toldOf('channel.down'), { number: rows[0]!.GuideNumber, name: rows[0]!.GuideName, code: String })

    const tested = await reelport(['webhooks', 'test', '--data', data])
    t.equal(tested.code, 0, tested.stderr)
    t.match(tested.stdout, /^chat \(127\.0\.0\.1:\d+\): ok\n$/)
    const unknown = await reelport(['webhooks', 'test', 'mail', '--data', data])
    t.match(unknown.stderr, /No webhook is called "mail"; known: chat/)
    const list = await reelport(['webhooks', '--data', data])
    t.match(list.stdout, /^name +host +delivered.*\nchat +127\.0\.0\.1:\d+ +\d+ +0 +0/)
    const metrics = await (await fetch(`${served.app.http.url}/metrics`)).text()
    t.match(metrics, /^reelport_webhooks_delivered_total\{hook="chat"\} [1-9]/m)

    // a minute's titles are told of together, or when the server stops
    await served.stop()
    await served.start()
    t.match(await toldOf('title.ready'), {
      count: Number,
      titles: [{ accountId: 'main', title: String, variantId: Number }],
    })

    const { username, password } = served.demo.credentials
    const everything = [...receiver.received.map(({ body }) => body), list.stdout, tested.stdout, metrics].join('\n')
    for (const word of [username.reveal(), password.reveal(), served.demo.url, '127.0.0.1', 'very-private', secret])
      t.notOk(
        receiver.received.some(({ body }) => body.includes(word)),
        `no body has ${word}`,
      )
    for (const word of [secret, 'very-private']) t.notOk(everything.includes(word))
  },
)
