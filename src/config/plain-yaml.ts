import { parse, YAMLParseError } from 'yaml'
import { ConfigError } from './problems.ts'
import { FileError, readTextFile } from './text-file.ts'

/**
 * A YAML file that is no configuration, such as one with changes to channels: its value, with YAML's own types. What it has
 * to look like is for the reader to say.
 *
 * @throws ConfigError when it cannot be read, or is no YAML.
 */
export function readPlainYaml(path: string): unknown {
  try {
    return parse(readTextFile(path).text, { maxAliasCount: 0, prettyErrors: true, uniqueKeys: true })
  } catch (error) {
    if (error instanceof FileError) {
      throw new ConfigError([{ where: path, message: error.message, hint: 'Name a file that this user can read' }])
    }
    if (!(error instanceof YAMLParseError)) throw error
    const [{ line } = { line: 1 }] = error.linePos ?? []
    throw new ConfigError([
      {
        where: `${path}:${line}`,
        message: 'is not YAML from here on',
        hint: 'Close brackets and quotes, indent alike',
      },
    ])
  }
}
