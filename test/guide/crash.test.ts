import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { pause, randomFrom } from '../lib/crashing.ts'
import { FakeSource, never, open, readAll, titleOf } from './guides.ts'
import { crashChannels } from './refresh-until-killed.ts'

const script = join(import.meta.dirname, 'refresh-until-killed.ts')

t.test('killed at any moment, the last finished guide is there, whole', async t => {
  const random = randomFrom(8)
  const directory = t.testdir({})
  let last = 0
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, [...process.execArgv, script, directory, String(last + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => {
      last = Number(line)
    })
    await once(lines, 'line')
    await pause(random() * 400)
    child.kill('SIGKILL')
    await Promise.all([once(child, 'exit'), once(lines, 'close')])

    using opened = open(t, { sources: [new FakeSource('epg', 1, '')] }, {}, directory)
    const file = opened.guide.latest(0)!
    const text = opened.text()
    const digest = createHash('sha256').update(text).digest('hex')
    t.equal(file.etag, `"${digest.slice(0, 32)}"`, 'its content is what its tag says')
    t.equal(gunzipSync(readFileSync(file.gzipPath)).toString(), text)
    const versions = new Set((await readAll(text)).programmes.map(titleOf))
    t.equal(versions.size, 1, `it is of one version: ${[...versions]}`)
    const version = Number([...versions][0]!.slice('Version '.length))
    t.ok(version >= last, 'and that is the last that was finished, or a later one')
    opened.guide.setDevices([{ index: 0, channels: crashChannels }])
    const report = await opened.guide.build(never)
    t.equal(report.channels.length, 3, 'and the next one is made of what is there')
    const now = new Set((await readAll(opened.text())).programmes.map(titleOf))
    t.equal(now.size, 1)
    last = Math.max(version, last)
  }
})
