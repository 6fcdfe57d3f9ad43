import type { Place } from './kinds.ts'
import { noteUnknownAccounts } from './live.ts'
import { finish, type ValueOf } from './model.ts'
import type { Problem } from './problems.ts'
import type { Layer } from './read.ts'
import { library } from './settings.ts'

/** A published folder of films or shows. Filters that are absent let everything through. */
export type Library = ValueOf<typeof library>

const defaults = [
  { name: 'Movies', kind: 'movies' },
  { name: 'TV', kind: 'shows' },
]

/** The libraries of the file, or the default ones. `accountIds` is undefined where the accounts could not be read. */
export function completeLibraries(
  file: Layer | undefined,
  accountIds: readonly string[] | undefined,
  place: Place,
  problems: Problem[],
): readonly Library[] {
  if (file?.libraries === undefined) return defaults.map(values => finish(library, values, place) as unknown as Library)
  const seen = new Map<string, string>()
  const libraries = file.libraries.map(entry => {
    const value = finish(library, entry.values, place) as unknown as Library
    const key = value.name.toLowerCase()
    const first = seen.get(key)
    if (first !== undefined) {
      const message = `the library ${JSON.stringify(value.name)} is there twice (${first})`
      problems.push({ where: entry.where('name'), message, hint: 'Give it another name; case does not count' })
    }
    seen.set(key, first ?? entry.where('name'))
    if (value.make.policy === 'matching' && value.make.match === undefined) {
      const hint = 'Write a regular expression as match, beside policy'
      problems.push({
        where: entry.where('make'),
        message: 'libraries.make.match is missing, for the policy matching',
        hint,
      })
    }
    noteUnknownAccounts(value.filter.accounts, accountIds, entry.where('filter'), problems)
    return value
  })
  if (libraries.length === 0 && !file.broken) {
    const hint = 'Leave libraries out for Movies and TV, or write at least one'
    problems.push({ where: file.where(['libraries']), message: 'there is no library', hint })
  }
  return libraries
}
