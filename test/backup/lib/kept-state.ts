import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../../src/lib/sqlite.ts'
import { FakeProvider, movie } from '../../catalog/lib/fake-provider.ts'
import { measureAll, open } from '../../catalog/lib/open-catalog.ts'

/** What everything that is kept in a data directory says of itself: the same word, unless two states were mixed. */
export interface KeptState {
  readonly 'catalog.sqlite': string
  readonly 'lineup.sqlite': string
  readonly 'queue.sqlite': string
  readonly 'plex.json': string
  readonly 'plex.token': string | undefined
}

/** Fills a data directory with files that say `word`, databases with their logs as a killed server leaves them. */
export async function fill(directory: string, word: string, { withToken = true } = {}): Promise<Disposable> {
  mkdirSync(directory, { recursive: true })
  const catalog = open(directory)
  const provider = new FakeProvider()
  provider.answers = { movies: [movie('1', `${word} (2001)`), movie('2', 'Another (2002)')] }
  await catalog.writer.sync(provider, { signal: new AbortController().signal })
  measureAll(catalog)
  const others = ['lineup', 'queue'].map(name => {
    const db = openDatabase(join(directory, `${name}.sqlite`))
    db.exec(`create table said (word text); insert into said values ('${word}')`)
    return db
  })
  writeFileSync(join(directory, 'plex.json'), word)
  if (withToken) writeFileSync(join(directory, 'plex.token'), word, { mode: 0o600 })
  return {
    [Symbol.dispose]() {
      catalog[Symbol.dispose]()
      for (const db of others) db.close()
    },
  }
}

export function stateOf(directory: string): KeptState {
  const saidIn = (name: string, question: string) => {
    const db = openDatabase(join(directory, name), { readonly: true })
    try {
      return db.prepare<[], string>(question).pluck().get()!
    } finally {
      db.close()
    }
  }
  const text = (name: string) =>
    existsSync(join(directory, name)) ? readFileSync(join(directory, name), 'utf8') : undefined
  return {
    'catalog.sqlite': saidIn('catalog.sqlite', 'select name from title order by id limit 1'),
    'lineup.sqlite': saidIn('lineup.sqlite', 'select word from said'),
    'queue.sqlite': saidIn('queue.sqlite', 'select word from said'),
    'plex.json': text('plex.json')!,
    'plex.token': text('plex.token'),
  }
}
