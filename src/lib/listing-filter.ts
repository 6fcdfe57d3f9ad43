/** Everything that is given must match; nothing given matches everything. Letter case never matters. */
export interface ListingFilter {
  readonly accounts?: readonly string[]
  /** One of the title's categories must match one of these: a glob with `*` and `?`, or a regular expression `/…/`. */
  readonly categories?: readonly string[]
  /** Language codes as read from the provider's name, such as `EN`. */
  readonly languages?: readonly string[]
  /** `4K`, `1080p`, `720p`, `SD`, `HDR`, `HEVC` … as read from the provider's name. */
  readonly qualities?: readonly string[]
  /** Regular expression that the provider's name must match. */
  readonly match?: string
  /** Regular expression that the provider's name must not match. */
  readonly exclude?: string
}

/** What a filter looks at: one film, show or channel of one account. */
export interface Filterable {
  readonly account: string
  readonly rawName: string
  readonly categories: readonly string[]
  readonly quality: readonly string[]
  readonly languages: readonly string[]
}

/** A filter as a function. @throws Error naming the pattern that is no regular expression. */
export function compileFilter(filter: ListingFilter): (item: Filterable) => boolean {
  const tests: ((item: Filterable) => boolean)[] = []
  const { accounts, categories, languages, qualities, match, exclude } = filter
  if (accounts !== undefined) tests.push(item => accounts.includes(item.account))
  if (languages !== undefined) tests.push(overlaps(languages, item => item.languages))
  if (qualities !== undefined) tests.push(overlaps(qualities, item => item.quality))
  if (match !== undefined) tests.push(nameTest(match, true))
  if (exclude !== undefined) tests.push(nameTest(exclude, false))
  if (categories !== undefined) {
    const patterns = categories.map(textPattern)
    tests.push(item => item.categories.some(category => patterns.some(pattern => pattern.test(category))))
  }
  return item => tests.every(test => test(item))
}

function overlaps(wanted: readonly string[], of: (item: Filterable) => readonly string[]) {
  const set = new Set(wanted.map(word => word.toUpperCase()))
  return (item: Filterable) => of(item).some(word => set.has(word.toUpperCase()))
}

function nameTest(source: string, expected: boolean) {
  const pattern = regex(source)
  return (item: Filterable) => pattern.test(item.rawName) === expected
}

/** A glob with `*` and `?`, or a regular expression between slashes; case does not matter. @throws Error when it is none. */
export function textPattern(text: string): RegExp {
  const slashed = /^\/(.*)\/i?$/.exec(text)
  if (slashed !== null) return regex(slashed[1]!)
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return regex(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

function regex(source: string): RegExp {
  try {
    return new RegExp(source, 'iu')
  } catch (cause) {
    throw new Error(`Cannot use the filter ${JSON.stringify(source)}: it is no regular expression`, { cause })
  }
}
