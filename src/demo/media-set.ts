import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism, hostname } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type FfmpegJob, type FfmpegRunOptions, ProcessError, runFfmpeg, type Tool } from '../media/index.ts'
import type { Clip } from './clip.ts'
import type { HlsClip } from './hls-clip.ts'
import { productOf } from './product.ts'

/** No clip takes longer than a few seconds; a machine on which one takes this long is out of order. */
const CLIP_DEADLINE_MS = 120_000
const MAX_RUNS_AT_ONCE = 4
/** Reports are for people: the first, the last, and between them one a second. */
const PROGRESS_EVERY_MS = 1000
const LOCK_POLL_MS = 100
/** A holder that has not renewed its lock for so long is gone, whatever its pid says. */
const LOCK_STALE_MS = 10_000
const LOCK_RENEW_MS = 2000

/** A clip as it lies on disk: a file, or a directory with the files of a rendition. */
export interface MadeClip {
  readonly file: string
  /** Of a directory: of all its files. */
  readonly bytes: number
  /** Of the whole file, or of the files in a directory one after the other in the order of their names; in hexadecimal. */
  readonly sha256: string
}

export interface MakingProgress {
  readonly clipsDone: number
  readonly clipsTotal: number
  /** 0 to 1, by playing time. */
  readonly fraction: number
}

export interface PrepareOptions {
  readonly directory: string
  readonly clips: readonly (Clip | HlsClip)[]
  /** Asked for only when something has to be made. */
  readonly ffmpeg: () => Promise<Tool>
  readonly onProgress?: (progress: MakingProgress) => void
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

interface Entry {
  readonly recipe: string
  readonly bytes: number
  readonly sha256: string
}
type Manifest = Record<string, Entry>

/**
 * Makes the clips that are not in the directory yet, or not as they should be by their recipe and size, and returns all of
 * them by name. A file appears under its name only when it is whole. Several processes may prepare the same directory: one
 * makes the clips, the others wait for them. What an interrupted run had finished is kept.
 *
 * @throws Error naming the clip and the directory when one cannot be made; the signal's reason when that was aborted.
 */
export async function prepareClips(options: PrepareOptions): Promise<ReadonlyMap<string, MadeClip>> {
  const { directory, clips, clock = systemClock, signal } = options
  const ready = await present(directory, clips)
  if (ready.size === clips.length) return ready
  await mkdir(directory, { recursive: true }).catch(cause => {
    throw new Error(`Cannot keep the demo films in ${directory}: ${cause.message}`, { cause })
  })
  await using _lock = await takeLock(join(directory, 'making.lock'), clock, signal)
  await removeUnfinished(directory)
  const made = new Map(await present(directory, clips)) // by whoever held the lock before
  const missing = clips.filter(clip => !made.has(clip.name))
  if (missing.length > 0) await makeAll(missing, made, options)
  return made
}

async function makeAll(
  missing: readonly (Clip | HlsClip)[],
  made: Map<string, MadeClip>,
  options: PrepareOptions,
): Promise<void> {
  const { directory, clips, onProgress, clock = systemClock } = options
  const ffmpeg = await options.ffmpeg()
  // One that fails ends the others; its own error is the one that is thrown.
  const failure = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal
  const manifest = await readManifest(directory)
  const total = missing.reduce((sum, clip) => sum + clip.seconds, 0)
  const written = new Map<string, number>()
  let reportedAt = Number.NEGATIVE_INFINITY
  const report = () => {
    if (made.size < clips.length && clock.now() - reportedAt < PROGRESS_EVERY_MS) return
    reportedAt = clock.now()
    const seconds = [...written.values()].reduce((sum, each) => sum + each, 0)
    onProgress?.({ clipsDone: made.size, clipsTotal: clips.length, fraction: Math.min(1, seconds / total) })
  }
  report()
  const waiting = [...missing].sort((a, b) => b.seconds - a.seconds) // the longest first: the end is then even
  const work = async () => {
    for (let clip = waiting.shift(); clip !== undefined; clip = waiting.shift()) {
      const { name } = clip
      const onClipProgress = (seconds: number) => {
        written.set(name, seconds)
        report()
      }
      try {
        const { file, ...facts } = await make(clip, directory, ffmpeg, signal, onClipProgress)
        made.set(name, { file, ...facts })
        const { fileName, recipe } = productOf(clip)
        manifest[fileName] = { recipe, ...facts }
      } catch (error) {
        failure.abort(error)
        throw error
      }
      written.set(name, clip.seconds)
      await save(manifest)
      report()
    }
  }
  let saving = Promise.resolve()
  const save = (manifest: Manifest) => {
    saving = saving.then(() => writeWhole(manifestFile(directory), `${JSON.stringify(manifest, null, 2)}\n`))
    return saving
  }
  const workers = Array.from({ length: Math.min(MAX_RUNS_AT_ONCE, availableParallelism()) }, work)
  await Promise.allSettled(workers) // nobody writes here once the lock is given back
  await Promise.all(workers)
}

async function make(
  clip: Clip | HlsClip,
  directory: string,
  ffmpeg: Tool,
  signal: AbortSignal,
  onProgress: (seconds: number) => void,
): Promise<MadeClip> {
  const { fileName, isDirectory, jobs } = productOf(clip)
  const file = join(directory, fileName)
  const partial = `${file}.${process.pid}.partial`
  try {
    if (isDirectory) await mkdir(partial)
    await runFirstPossible(ffmpeg, jobs(partial), { deadlineMs: CLIP_DEADLINE_MS, signal, onProgress })
    const hash = createHash('sha256')
    let bytes = 0
    for (const each of await filesOf(partial)) {
      for await (const chunk of createReadStream(each, { highWaterMark: 2 ** 20 })) {
        hash.update(chunk)
        bytes += chunk.length
      }
    }
    if (isDirectory) await rm(file, { recursive: true, force: true })
    await rename(partial, file)
    return { file, bytes, sha256: hash.digest('hex') }
  } catch (cause) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`Cannot make the demo film ${fileName} in ${directory}: ${reason}`, { cause })
  }
}

/** Runs the first of the jobs that this ffmpeg can do. */
async function runFirstPossible(ffmpeg: Tool, jobs: readonly FfmpegJob[], options: FfmpegRunOptions): Promise<void> {
  for (const [at, job] of jobs.entries()) {
    try {
      return await runFfmpeg(ffmpeg, job, options)
    } catch (error) {
      if (at === jobs.length - 1 || !(error instanceof ProcessError && error.code === 'failed')) throw error
    }
  }
}

/** The file itself, or those of a directory by name. */
async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path]
  return (await readdir(path)).sort().map(name => join(path, name))
}

/** What a process that was killed left behind. */
async function removeUnfinished(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter(name => name.endsWith('.partial'))
  await Promise.all(names.map(name => rm(join(directory, name), { recursive: true, force: true })))
}

/** The clips that are there as the manifest says, by name. */
async function present(directory: string, clips: readonly (Clip | HlsClip)[]): Promise<ReadonlyMap<string, MadeClip>> {
  const manifest = await readManifest(directory)
  const found = await Promise.all(
    clips.map(async clip => {
      const { fileName, recipe } = productOf(clip)
      const file = join(directory, fileName)
      const entry = manifest[fileName]
      if (entry?.recipe !== recipe) return []
      const bytes = await bytesOf(file).catch(() => undefined)
      return bytes === entry.bytes ? [[clip.name, { file, bytes, sha256: entry.sha256 }] as const] : []
    }),
  )
  return new Map(found.flat())
}

async function bytesOf(path: string): Promise<number> {
  const all = await Promise.all((await filesOf(path)).map(file => stat(file)))
  return all.reduce((sum, { size }) => sum + size, 0)
}

const manifestFile = (directory: string) => join(directory, 'manifest.json')

/** A manifest that is missing or unreadable is an empty one: the clips are then made again. */
async function readManifest(directory: string): Promise<Manifest> {
  try {
    const manifest: unknown = JSON.parse(await readFile(manifestFile(directory), 'utf8'))
    const isEntry = (entry: unknown) => {
      const { recipe, bytes, sha256 } = (entry ?? {}) as Partial<Entry>
      return typeof recipe === 'string' && typeof bytes === 'number' && typeof sha256 === 'string'
    }
    return Object.fromEntries(Object.entries(manifest ?? {}).filter(([, entry]) => isEntry(entry)))
  } catch {
    return {}
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`
  await writeFile(partial, text)
  await rename(partial, file)
}

/** A file that exists while its maker lives: it is renewed every two seconds, and taken over when it is not. */
async function takeLock(file: string, clock: Clock, signal?: AbortSignal): Promise<AsyncDisposable> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  for (;;) {
    signal?.throwIfAborted()
    try {
      await writeFile(file, mine, { flag: 'wx' })
      break
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'EEXIST') throw new Error(`Cannot keep the demo films here: ${message}`, { cause: error })
    }
    const held = await stat(file).catch(() => undefined)
    if (held !== undefined && (clock.now() - held.mtimeMs > LOCK_STALE_MS || !(await isHeld(file)))) {
      // Renaming is what only one of several takers can do.
      const stale = `${file}.${randomBytes(4).toString('hex')}`
      await rename(file, stale).catch(() => {})
      await rm(stale, { force: true })
    } else {
      await clock.sleep(LOCK_POLL_MS, signal)
    }
  }
  const renewing = setInterval(() => void writeFile(file, mine).catch(() => {}), LOCK_RENEW_MS)
  renewing.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(renewing)
      if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true })
    },
  }
}

/**
 * Whether the lock's holder lives, as far as can be told: one on another machine (or in another container) is taken to, and
 * so is one that has not finished writing its name.
 */
async function isHeld(file: string): Promise<boolean> {
  const [pid, host] = (await readFile(file, 'utf8').catch(() => '')).split(' ')
  if (host !== hostname()) return true
  try {
    process.kill(Number(pid), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
