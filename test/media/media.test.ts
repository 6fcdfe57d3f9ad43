import { existsSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type FfmpegJob, findTools, probe, runFfmpeg, ToolError, type Tools } from '../../src/media/index.ts'
import { ProcessError, runProcess } from '../../src/media/process.ts'

const node = process.execPath
const deadlineMs = 180_000

/** Runs a line of JavaScript. */
const script = (code: string, options: Partial<Parameters<typeof runProcess>[1]> = {}) =>
  runProcess(node, { args: ['-e', code], deadlineMs, ...options })

const isRunning = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('a process', async t => {
  await t.test('gets its arguments as they are: no shell reads them', async t => {
    const args = ['two words', '$(echo no)', '`no`', "it's", '"', ';', '*', '']
    const { stdout } = await runProcess(node, {
      args: ['-e', 'process.stdout.write(JSON.stringify(process.argv.slice(1)))', '--', ...args],
      deadlineMs,
    })
    t.same(JSON.parse(stdout.toString()), args)
  })

  await t.test('does not get the settings of this program, only what it needs and what it is given', async t => {
    process.env.REELPORT_TEST_SECRET = 'hunter2'
    t.teardown(() => delete process.env.REELPORT_TEST_SECRET)
    const { stdout } = await script('process.stdout.write(JSON.stringify(process.env))', { env: { GIVEN: 'yes' } })
    const env = JSON.parse(stdout.toString())
    t.notMatch(stdout.toString(), 'hunter2')
    t.match(env, { GIVEN: 'yes', PATH: process.env.PATH })
  })

  await t.test('that fails is reported with its code and the end of what it said', async t => {
    await t.rejects(script('console.error("the disk is on fire"); process.exit(3)'), {
      name: 'ProcessError',
      code: 'failed',
      exitCode: 3,
      message: /ended with code 3: the disk is on fire/,
    })
  })

  await t.test('that says a great deal is quoted briefly, and never with a URL', async t => {
    const code = `
      for (let i = 0; i < 20000; i++) console.error('http://host/movie/user/hunter2/' + i + '.mkv?token=hunter2 failed')
      process.exit(1)`
    const error = await script(code).catch(error => error)
    t.type(error, ProcessError)
    t.ok(error.stderrTail.length <= 4096, 'bounded')
    t.match(error.message, /http:\/\/… failed/)
    t.notMatch(error.message + error.stderrTail, /hunter2/)
  })

  await t.test('that cannot be started is reported by its path', async t => {
    await t.rejects(runProcess('/nowhere/ffmpeg', { args: [], deadlineMs }), {
      code: 'not-started',
      message: '/nowhere/ffmpeg cannot be started: there is no such file',
    })
    const directory = t.testdir({ ffmpeg: '#!/bin/sh\n' })
    await t.rejects(runProcess(join(directory, 'ffmpeg'), { args: [], deadlineMs }), {
      code: 'not-started',
      message: /it is not executable for this user/,
    })
  })

  await t.test('is stopped at its deadline, and gone by the time that is known', async t => {
    const error = await script('setInterval(() => {}, 1000); console.error(process.pid)', { deadlineMs: 500 }).catch(
      error => error,
    )
    t.match(error, { code: 'timed-out', message: /did not end within 500 ms/ })
    const pid = Number(error.stderrTail)
    if (pid > 0) t.notOk(isRunning(pid), 'the process is gone') // a slow machine may not get to print
  })

  await t.test('that ignores being asked to end is ended, when its caller has given up', async t => {
    const caller = new AbortController()
    let pid = 0
    const running = script(
      "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write(String(process.pid))",
      {
        signal: caller.signal,
        killAfterMs: 50,
        onOutput(chunk) {
          pid = Number(chunk)
          caller.abort(new Error('nobody wants it any more'))
        },
      },
    )
    await t.rejects(running, { message: 'nobody wants it any more' })
    t.ok(pid > 0)
    t.notOk(isRunning(pid), 'the process is gone')
  })

  await t.test('is not started for a caller who has given up before', async t => {
    const signal = AbortSignal.abort(new Error('too late'))
    await t.rejects(runProcess('/nowhere/ffmpeg', { args: [], deadlineMs, signal }), { message: 'too late' })
  })

  await t.test('that prints without end is stopped', async t => {
    const code = "setInterval(() => process.stdout.write('x'.repeat(65536)), 1)"
    await t.rejects(script(code, { maxOutputBytes: 100_000 }), { code: 'too-much-output' })
  })
})

t.test('finding ffmpeg and ffprobe', async t => {
  /** A directory with programs that are shell scripts. */
  const directory = async (name: string, scripts: Record<string, string>) => {
    const dir = t.testdir({ [name]: scripts })
    await Promise.all(Object.keys(scripts).map(file => chmod(join(dir, name, file), 0o755)))
    return join(dir, name)
  }
  const says = (text: string) => `#!/bin/sh\necho "${text}"\n`
  const good = { ffmpeg: says('ffmpeg version 7.1.5-x Copyright'), ffprobe: says('ffprobe version n7.1 Copyright') }

  await t.test('takes the first on PATH that runs, and tells its version', async t => {
    const broken = '#!/bin/sh\nexit 1\n'
    const dir = t.testdir({ a: { ffmpeg: broken, ffprobe: says('something else') }, b: { ...good }, c: { ...good } })
    for (const file of ['a/ffmpeg', 'a/ffprobe', 'b/ffmpeg', 'b/ffprobe']) await chmod(join(dir, file), 0o755)
    const searchPath = ['nothing-here', 'a', 'b', 'c'].map(name => join(dir, name)).join(':')
    t.match(await findTools({ searchPath }), {
      ffmpeg: { path: join(dir, 'b/ffmpeg'), version: '7.1.5-x', source: 'path', env: {} },
      ffprobe: { path: join(dir, 'b/ffprobe'), version: 'n7.1', source: 'path' },
    })
  })

  await t.test('uses a configured one, and nothing else in its place', async t => {
    const searchPath = await directory('path', good)
    const configured = join(searchPath, 'ffmpeg')
    t.match(await findTools({ searchPath, ffmpeg: configured }), { ffmpeg: { path: configured, source: 'configured' } })
    const error = await findTools({ searchPath, ffmpeg: '/nowhere/ffmpeg' }).catch(error => error)
    t.type(error, ToolError)
    t.match(error, { tool: 'ffmpeg', message: /configured ffmpeg cannot be used: \/nowhere\/ffmpeg .*no such file/ })
    await t.rejects(findTools({ searchPath, ffprobe: configured }), {
      tool: 'ffprobe',
      message: /does not print "ffprobe version …"/,
    })
  })

  await t.test('falls back to the one that came with the set-up', { skip: bundledIsMissing() }, async t => {
    const { ffmpeg, ffprobe } = await findTools({ searchPath: '' })
    t.match(ffmpeg, { source: 'bundled', path: /@ffmpeg-installer/, env: { GCONV_PATH: '/nonexistent' } })
    t.match(ffprobe, { source: 'bundled', path: /@ffprobe-installer/, env: { GCONV_PATH: '/nonexistent' } })
  })
})

for (const [name, searchPath] of [
  ['of this machine', undefined],
  ['that came with the set-up', ''],
] as const) {
  const skip = searchPath === '' ? bundledIsMissing() : noneOnPath()
  t.test(`ffmpeg and ffprobe ${name}`, { skip }, async t => {
    const tools = await findTools(searchPath === undefined ? {} : { searchPath })
    await makesAndReads(t, tools)
  })
}

async function makesAndReads(t: Test, tools: Tools) {
  const directory = t.testdir()
  const clip = (file: string, format: FfmpegJob['output']['format'], ...options: string[]): FfmpegJob => ({
    inputs: [
      { format: 'lavfi', source: 'testsrc2=size=192x108:rate=12:duration=2' },
      { format: 'lavfi', source: 'sine=frequency=440:sample_rate=48000:duration=2' },
    ],
    output: {
      file,
      format,
      options: ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', ...options],
    },
  })
  const title = 'A title: "quoted", & long'
  const awkward = join(directory, 'http: -i it\'s 100% "mine".partial')

  await t.test('make a film of the asked kind, whatever its file is called, and report how far they are', async t => {
    let seconds = 0
    const onProgress = (written: number) => {
      seconds = Math.max(seconds, written)
    }
    const job = clip(awkward, 'mp4', '-metadata', `title=${title}`, '-metadata:s:a:0', 'language=fre')
    await runFfmpeg(tools.ffmpeg, job, { deadlineMs, onProgress })
    t.ok(seconds > 1.5 && seconds < 3, `${seconds} s were reported at the end`)
    const found = await probe(tools.ffprobe, awkward)
    t.ok(found.formats.includes('mp4'))
    t.equal(found.tags.title, title)
    t.ok(Math.abs(found.durationSeconds! - 2) < 0.2, 'lasts two seconds')
    t.equal(found.bytes, statSync(awkward).size)
    t.match(found.streams, [
      { index: 0, type: 'video', codec: 'h264', width: 192, height: 108, frameRate: 12 },
      { index: 1, type: 'audio', codec: 'aac', channels: 1, sampleRate: 48000, language: 'fre' },
    ])
  })

  await t.test('pack it anew without touching what is in it', async t => {
    const file = join(directory, 'remuxed.mkv')
    const output = { file, format: 'matroska', options: ['-map', '0', '-c', 'copy'] } as const
    await runFfmpeg(tools.ffmpeg, { inputs: [{ source: awkward }], output }, { deadlineMs })
    const found = await probe(tools.ffprobe, file)
    t.ok(found.formats.includes('matroska'))
    t.match(found.streams, [{ codec: 'h264' }, { codec: 'aac', language: 'fre' }])
  })

  await t.test('make and read MPEG-TS', async t => {
    const file = join(directory, 'clip.ts')
    await runFfmpeg(tools.ffmpeg, clip(file, 'mpegts'), { deadlineMs })
    const found = await probe(tools.ffprobe, file)
    t.same(found.formats, ['mpegts'])
    t.match(found.streams.map(stream => stream.codec).sort(), ['aac', 'h264'])
  })

  await t.test('say what is wrong', async t => {
    const file = join(directory, 'no.mkv')
    const options = ['-map', '0', '-c', 'copy']
    const job: FfmpegJob = {
      inputs: [{ source: join(directory, 'missing') }],
      output: { file, format: 'mp4', options },
    }
    await t.rejects(runFfmpeg(tools.ffmpeg, job, { deadlineMs }), {
      name: 'ProcessError',
      message: /ffmpeg ended with code \d+: .*No such file/,
    })
    t.notOk((await readdir(directory)).includes('no.mkv'))
    const text = join(t.testdir({ 'page.mp4': '<html>Please wait</html>'.repeat(100) }), 'page.mp4')
    await t.rejects(probe(tools.ffprobe, text), { name: 'ProcessError', code: 'failed' })
  })
}

t.test('a bundled program that npm left without its executable bit is made executable', async t => {
  // A copy outside of this checkout, so that it finds its own node_modules: as npm unpacks them without install scripts.
  const root = await mkdtemp(join(tmpdir(), 'reelport-tools-'))
  t.teardown(() => rm(root, { recursive: true }))
  const platform = join(root, 'node_modules/@ffmpeg-installer', `${process.platform}-${process.arch}`)
  await mkdir(platform, { recursive: true })
  await mkdir(join(root, 'node_modules/@ffmpeg-installer/ffmpeg'))
  await writeFile(join(root, 'node_modules/@ffmpeg-installer/ffmpeg/package.json'), '{}')
  await writeFile(join(platform, 'package.json'), '{}')
  await writeFile(join(platform, 'ffmpeg'), '#!/bin/sh\necho "ffmpeg version bundled-1 Copyright"\n', { mode: 0o644 })
  const source = join(import.meta.dirname, '../../src/media')
  await mkdir(join(root, 'src/media'), { recursive: true })
  await writeFile(join(root, 'package.json'), '{"type":"module"}')
  for (const file of ['tools.ts', 'process.ts']) await copyFile(join(source, file), join(root, 'src/media', file))
  const copy: typeof import('../../src/media/tools.ts') = await import(join(root, 'src/media/tools.ts'))
  const ffprobe = join(root, 'ffprobe')
  await writeFile(ffprobe, '#!/bin/sh\necho "ffprobe version 1 x"\n', { mode: 0o755 })
  t.match(await copy.findTools({ searchPath: '', ffprobe }), { ffmpeg: { source: 'bundled', version: 'bundled-1' } })
  await t.rejects(copy.findTools({ searchPath: '' }), {
    tool: 'ffprobe',
    message: /ffprobe was not found: not on PATH.*@ffprobe-installer\/.* is not installed.*Install ffmpeg/s,
  })
})

function bundledIsMissing(): string | false {
  const platform = `${process.platform}-${process.arch}`
  const place = join(import.meta.dirname, '../../node_modules/@ffmpeg-installer', platform, 'package.json')
  return existsSync(place) ? false : `no bundled ffmpeg for ${platform}`
}

function noneOnPath(): string | false {
  const places = (process.env.PATH ?? '').split(':').map(directory => join(directory, 'ffmpeg'))
  return places.some(place => existsSync(place)) ? false : 'no ffmpeg on PATH'
}
