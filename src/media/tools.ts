import { constants } from 'node:fs'
import { access, chmod, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { runProcess } from './process.ts'

/** Time for `ffmpeg -version`; the first start of a 75 MB file from a cold, slow disk takes seconds. */
const VERSION_DEADLINE_MS = 30_000

export type ToolName = 'ffmpeg' | 'ffprobe'

/** One program that was found and that runs. */
export interface Tool {
  readonly name: ToolName
  readonly path: string
  /** As it prints it: `5.1.9-0+deb12u1`, `n7.1`, `N-47683-g0e8eb07980-static`. */
  readonly version: string
  readonly source: 'configured' | 'path' | 'bundled'
  /** Variables it must be started with. */
  readonly env: Readonly<Record<string, string>>
}

export interface Tools {
  readonly ffmpeg: Tool
  readonly ffprobe: Tool
}

export interface FindToolsOptions {
  /** Paths from the configuration. One that is given is the only one tried. */
  readonly ffmpeg?: string | undefined
  readonly ffprobe?: string | undefined
  /** Directories to search, in the form of PATH, which it stands in for. */
  readonly searchPath?: string
  readonly signal?: AbortSignal
}

/** A program that cannot be found or does not run; `tried` says where it was looked for and why that was no use. */
export class ToolError extends Error {
  override name = 'ToolError'
  readonly tool: ToolName
  readonly tried: readonly string[]

  constructor(tool: ToolName, message: string, tried: readonly string[]) {
    super(message)
    this.tool = tool
    this.tried = tried
  }
}

/**
 * Finds ffmpeg and ffprobe, each by itself: the configured path, else the first that runs on PATH, else the one that came
 * with the npm package (`@ffmpeg-installer`, `@ffprobe-installer`). Each is run once to learn its version.
 *
 * @throws ToolError when a configured one does not run, or none was found.
 */
export async function findTools(options: FindToolsOptions = {}): Promise<Tools> {
  const [ffmpeg, ffprobe] = await Promise.all([find('ffmpeg', options), find('ffprobe', options)])
  return { ffmpeg, ffprobe }
}

interface Candidate {
  readonly path: string
  readonly source: Tool['source']
  readonly env: Readonly<Record<string, string>>
}

async function find(name: ToolName, options: FindToolsOptions): Promise<Tool> {
  const configured = options[name]
  if (configured !== undefined) {
    const found = await attempt(name, { path: configured, source: 'configured', env: {} }, options.signal)
    if (typeof found !== 'string') return found
    throw new ToolError(name, `The configured ${name} cannot be used: ${found}`, [found])
  }
  const tried: string[] = []
  for (const candidate of [...onPath(name, options.searchPath ?? process.env.PATH ?? ''), bundled(name)]) {
    if (typeof candidate === 'string') {
      tried.push(candidate)
    } else if (await exists(candidate.path)) {
      const found = await attempt(name, candidate, options.signal)
      if (typeof found !== 'string') return found
      tried.push(found)
    } else if (candidate.source === 'bundled') {
      tried.push(`${candidate.path} does not exist`)
    }
  }
  const where = `not on PATH, and no bundled one${tried.length === 0 ? '' : ` (${tried.join('; ')})`}`
  throw new ToolError(
    name,
    `${name} was not found: ${where}. Install ffmpeg, or name it in the configuration (media.${name})`,
    tried,
  )
}

function onPath(name: ToolName, searchPath: string): Candidate[] {
  const file = process.platform === 'win32' ? `${name}.exe` : name
  const directories = searchPath.split(delimiter).filter(directory => directory !== '')
  return directories.map(directory => ({ path: join(directory, file), source: 'path', env: {} }))
}

/** The program inside its npm package, which is optional and exists for some platforms only; else why there is none. */
function bundled(name: ToolName): Candidate | string {
  const scope = `@${name}-installer`
  const platform = `${scope}/${process.platform}-${process.arch}`
  try {
    // The package for this platform is a dependency of the wrapper, and may lie inside it.
    const wrapper = createRequire(import.meta.url).resolve(`${scope}/${name}/package.json`)
    const manifest = createRequire(wrapper).resolve(`${platform}/package.json`)
    const file = process.platform === 'win32' ? `${name}.exe` : name
    // These are static builds: iconv would load the host's gconv modules, built for another libc, and crash
    // (ffprobe does so on every MPEG-TS file).
    return { path: join(dirname(manifest), file), source: 'bundled', env: { GCONV_PATH: '/nonexistent' } }
  } catch {
    return `npm package ${platform} is not installed`
  }
}

const exists = (path: string) =>
  stat(path).then(
    found => found.isFile(),
    () => false,
  )

/** The tool if it runs, else a sentence why not. */
async function attempt(name: ToolName, candidate: Candidate, signal?: AbortSignal): Promise<Tool | string> {
  const { path, source, env } = candidate
  if (source === 'bundled') await makeExecutable(path)
  try {
    const options = { args: ['-version'], env, deadlineMs: VERSION_DEADLINE_MS, ...(signal && { signal }) }
    const { stdout } = await runProcess(path, options)
    const [, version] = new RegExp(`^${name} version (\\S+)`).exec(stdout.toString('utf8')) ?? []
    return version === undefined ? `${path} does not print "${name} version …"` : { name, path, version, source, env }
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    return reason.startsWith(path) ? reason : `${path}: ${reason}`
  }
}

/** npm leaves the files as they were packed (0644 for ffprobe) where install scripts are switched off. */
async function makeExecutable(path: string): Promise<void> {
  try {
    await access(path, constants.X_OK)
  } catch {
    await chmod(path, 0o755).catch(() => {}) // starting it will say what is wrong
  }
}
