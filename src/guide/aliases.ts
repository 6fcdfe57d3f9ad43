import { GuideError } from './errors.ts'

const maxAliases = 100_000

/**
 * Aliases as a file has them: each a channel of ours (its number, guide id or name) and an id of XMLTV. Nothing is no aliases.
 *
 * @throws GuideError `malformed`.
 */
export function readAliases(tree: unknown): Readonly<Record<string, string>> {
  if (tree === null || tree === undefined) return {}
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    throw new GuideError('malformed', 'Cannot read the aliases: they are not lines of CHANNEL: GUIDE ID')
  }
  const entries = Object.entries(tree)
  if (entries.length > maxAliases) throw new GuideError('malformed', `Cannot read more than ${maxAliases} aliases`)
  return Object.fromEntries(
    entries.map(([channel, key]) => {
      if (typeof key === 'number' || (typeof key === 'string' && key.trim() !== ''))
        return [channel, String(key).trim()]
      throw new GuideError('malformed', `Cannot read the alias of ${channel}: it is no guide id`)
    }),
  )
}
