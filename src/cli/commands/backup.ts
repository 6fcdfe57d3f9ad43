import { resolve } from 'node:path'
import {
  BackupError,
  type BackupErrorCode,
  backUp,
  checkBackup,
  dataDirectoryOf,
  InUseError,
  type Manifest,
  restore,
  servedDirectoryOf,
} from '../../app/index.ts'
import { formatSize } from '../../lib/units.ts'
import type { Command, CommandContext } from '../command.ts'
import { configFlags, loadFor } from '../configuration.ts'
import { CommandError, type ExitCode, exitCode } from '../exit-code.ts'
import { version } from '../version.ts'

export const backupCommand: Command = {
  name: 'backup',
  usage: 'FILE|DIRECTORY',
  summary:
    'Copy everything that cannot be had again into one file, whether or not the server runs. The cache and the configuration are not in it.',
  flags: [{ name: 'force', help: 'Replace a file that is there already.' }, ...configFlags],
  async run(context) {
    const target = onePath(context, 'backup')
    const replace = context.flags.force === true
    const directory = servedDirectoryOf(loadFor(context))
    const { signal } = context
    const { path, manifest } = await explained(() => backUp({ directory, target, version, replace, signal }))
    return tell(context, manifest, { path, directory }, `Backed up ${directory} to ${path}`)
  },
}

export const restoreCommand: Command = {
  name: 'restore',
  usage: 'FILE',
  summary: 'Put a backup into the data directory (--data), of which the server must not run. The cache stays.',
  flags: [
    { name: 'force', help: 'Replace the catalogue that the directory holds.' },
    { name: 'dry-run', help: 'Only check the backup, and say what is in it.' },
    ...configFlags,
  ],
  async run(context) {
    const file = onePath(context, 'restore')
    const { signal, flags } = context
    if (flags['dry-run'] === true) {
      const manifest = await explained(() => checkBackup({ file, signal }))
      return tell(context, manifest, { path: file }, `${file} is whole`)
    }
    const directory = dataDirectoryOf(loadFor(context))
    const manifest = await explained(() => restore({ file, directory, replace: flags.force === true, signal }))
    return tell(context, manifest, { path: file, directory }, `Restored ${directory} from ${file}`)
  },
}

function onePath({ args, cwd }: CommandContext, name: string): string {
  const [path, ...others] = args
  if (path !== undefined && path !== '' && others.length === 0) return resolve(cwd, path)
  throw new CommandError(`Write: reelport ${name} ${name === 'backup' ? 'FILE or DIRECTORY' : 'FILE'}`, exitCode.usage)
}

function tell({ json, out }: CommandContext, manifest: Manifest, where: object, text: string): number {
  const { version: by, madeAt, files } = manifest
  if (json) out.write(`${JSON.stringify({ ...where, ...manifest }, null, 2)}\n`)
  else {
    const rows = files.map(({ name, bytes }) => `  ${name}  ${formatSize(bytes)}\n`)
    out.write(`${text}\n\nMade by reelport ${by} at ${madeAt}:\n${rows.join('')}`)
  }
  return exitCode.ok
}

const exitCodeOf = {
  nothing: exitCode.failed,
  exists: exitCode.cannotWrite,
  damaged: exitCode.failed,
  newer: exitCode.failed,
  interrupted: exitCode.unavailable,
} satisfies Record<BackupErrorCode, ExitCode>

/** What a person can put right, as such. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { name, code, message, path } = error as NodeJS.ErrnoException
    const by = (ours: ExitCode, text = message) => new CommandError(text, ours, { cause: error })
    if (error instanceof BackupError) throw by(exitCodeOf[error.code])
    if (error instanceof InUseError) throw by(exitCode.unavailable)
    if (name === 'DataDirectoryError') throw by(exitCode.cannotWrite)
    if (name === 'DamagedDatabaseError') throw by(exitCode.failed)
    if (code === 'ENOENT') throw by(exitCode.failed, `There is no file or directory ${path}`)
    if (/^(EACCES|EPERM|EROFS|ENOSPC|EDQUOT|EISDIR|ENOTDIR|SQLITE_(FULL|READONLY|CANTOPEN|IOERR))/.test(code ?? '')) {
      throw by(
        exitCode.cannotWrite,
        `${message}; see that this user may read and write there, and that the disk is not full`,
      )
    }
    throw error
  }
}
