import { Secret } from '../lib/secret.ts'
import type { Problem } from './problems.ts'
import { FileError, readTextFile } from './text-file.ts'

/** A secret that is written in the settings, or in the file that they name instead. */
export interface WrittenOrFile {
  readonly written: Secret | undefined
  readonly path: string | undefined
  /** Of the setting, for messages; that of the file is the same with `File` behind it. */
  readonly name: string
  /** Where the file's setting is written. */
  readonly where: string
}

/** The secret; undefined when neither is there, and with a problem when both are or the file has none. */
export function secretOf(
  { written, path, name, where }: WrittenOrFile,
  problems: Problem[],
  warnings: Problem[],
): Secret | undefined {
  if (written !== undefined && path !== undefined) {
    const message = `${name} and ${name}File are both there`
    problems.push({ where, message, hint: 'Remove one of them' })
  }
  return written ?? fileSecret(path, where, problems, warnings)
}

/** The secret in a file of one line; undefined, with a problem, when there is none. */
export function fileSecret(
  path: string | undefined,
  where: string,
  problems: Problem[],
  warnings: Problem[],
): Secret | undefined {
  const text = path === undefined ? undefined : readSecretText(path, where, problems, warnings)?.trim()
  if (text === undefined) return undefined
  if (text !== '' && !/[\r\n]/.test(text)) return new Secret(text)
  problems.push({
    where,
    message: `${path} does not hold one line of text`,
    hint: 'Write the secret into it, and nothing else',
  })
  return undefined
}

/** The text of a file that holds a secret; a warning when it is readable by everybody. */
export function readSecretText(
  path: string,
  where: string,
  problems: Problem[],
  warnings: Problem[],
): string | undefined {
  try {
    const { text, exposed } = readTextFile(path)
    if (exposed) warnings.push({ where, message: `${path} can be read by everybody`, hint: `Run chmod o-r ${path}` })
    return text
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    problems.push({ where, message: error.message, hint: 'Name a file that this user can read' })
    return undefined
  }
}
