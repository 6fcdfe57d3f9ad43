import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeNoting } from '../lib/make-until-killed.ts'
import { ffmpeg, h264, hls, pictures, tone } from '../lib/making.ts'
import { without } from '../lib/programs.ts'

const script = join(import.meta.dirname, '../lib/make-until-killed.ts')
const runs = Number(process.env.RUNS ?? 8)

t.setTimeout(600_000) // for many runs by hand

t.test('killed at any moment and begun again', { skip: without('ffmpeg', 'ffprobe') }, async t => {
  t.setTimeout(600_000)
  const source = t.testdir({})
  ffmpeg(source, ...pictures(80), ...tone(80), ...h264, '-s', '64x36', '-c:a', 'aac', ...hls('film'))
  const playlist = join(source, 'film.m3u8')
  const log = join(source, 'reads')
  const begin = (name: string) => {
    writeFileSync(log, '')
    const directory = join(source, name)
    mkdirSync(directory)
    return directory
  }
  const whole = await makeNoting(playlist, begin('whole'), log)
  const work = join(begin('killed'), '7')
  let afterwards = 0
  for (let run = 0; run < runs; run++) {
    const child = spawn(process.execPath, [...process.execArgv, script, playlist, join(source, 'killed'), log], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    await new Promise(resolve => setTimeout(resolve, Math.random() * 1500))
    child.kill('SIGKILL')
    await exited
    const safe = existsSync(join(work, '0')) ? readdirSync(join(work, '0')).filter(name => name.endsWith('.ts')) : []
    const finished = existsSync(join(work, 'finished.json'))
    writeFileSync(log, '')

    const file = await makeNoting(playlist, join(source, 'killed'), log)
    const read = readFileSync(log, 'utf8')
      .split('\n')
      .filter(line => line !== '')
    t.equal(file.digest, whole.digest, `run ${run}: the same file`)
    t.ok(existsSync(file.path))
    t.strictSame(
      read.filter(segment => safe.includes(`${segment}.ts`)),
      [],
      `run ${run}: ${safe.length} pieces are not fetched again`,
    )
    t.equal(read.length, finished ? 0 : 40 - safe.length)
    if (safe.length > 0 || finished) afterwards++
    t.strictSame(readdirSync(work).sort(), ['finished.json', 'finished.mp4'])
    rmSync(work, { recursive: true })
  }
  t.ok(afterwards > 0, `${afterwards} of ${runs} processes had something to leave behind`)
})
