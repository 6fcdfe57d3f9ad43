import t, { type Test } from 'tap'
import { plexApi } from '../../src/plex/api.ts'
import {
  type BegunCollection,
  type CollectionRecord,
  removePlexCollections,
  setUpPlexCollections,
} from '../../src/plex/collections.ts'
import { clientOf, hastyClock } from '../lib/plex-client.ts'
import { PlexServer } from '../lib/plex-server.ts'

const never = new AbortController().signal

class TestRecord extends Set<string> implements CollectionRecord {
  begun: BegunCollection | undefined
  begin(collection: BegunCollection | undefined) {
    this.begun = collection
  }
  override add(key: string) {
    this.begun = undefined
    return super.add(key)
  }
}

/** A server with 1,201 films, of which every one is in Films and the first is in Crime. */
async function scene(t: Test) {
  const clock = hastyClock()
  const plex = await PlexServer.start({ now: clock.now })
  const http = clientOf(plex)
  t.teardown(async () => {
    await http[Symbol.asyncDispose]()
    await plex[Symbol.asyncDispose]()
  })
  const categories = new Map<string, string[]>()
  for (let key = 1000; key <= 2200; key++) {
    const file = `/mnt/Movies/Film ${key}/Film ${key}.mkv`
    plex.films.push({ section: '5', ratingKey: String(key), file })
    categories.set(file, key === 1000 ? ['Crime', 'Films'] : ['Films'])
  }
  plex.collections.push({ section: '5', ratingKey: '7', title: 'Mine', items: ['1000'] })
  const section = { key: '5', type: 'movie' as const, categoriesOf: (file: string) => categories.get(file) ?? [] }
  const record = new TestRecord()
  const deps = { api: plexApi(http, never), machineIdentifier: 'abc0123', record, clock, onStep: () => {} }
  return {
    ...{ plex, record, categories, first: '/mnt/Movies/Film 1000/Film 1000.mkv' },
    setUp: () => setUpPlexCollections(section, deps, never),
    remove: () => removePlexCollections(section, deps, never),
    has: () => Object.fromEntries(plex.collections.map(({ title, items }) => [title, items.length])),
  }
}

t.test('collections follow categories, and what a person made stays', async t => {
  const s = await scene(t)
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  t.same(s.has(), { Mine: 1, Crime: 1, Films: 1201 })
  t.ok(s.plex.longestLine < 8192, 'no request line is longer than Plex reads')

  const changes = s.plex.changes.length
  await s.setUp()
  t.equal(s.plex.changes.length, changes, 'again: nothing is changed')

  s.categories.set(s.first, ['Noir'])
  await s.setUp()
  t.same(s.has(), { Mine: 1, Noir: 1, Films: 1200 }, 'one category has another name, one lost a title')

  s.plex.collections.find(({ title }) => title === 'Films')!.items.splice(3, 10)
  await s.setUp()
  t.same(s.has(), { Mine: 1, Noir: 1, Films: 1200 }, 'what was taken out in Plex is there again')

  await s.remove()
  t.same(s.has(), { Mine: 1 }, 'removed, but for what is not ours')
  t.same(s.plex.wrong, [], 'every request is as documented')
})

t.test('one that was made just before a crash is ours, and one of a person is not', async t => {
  const s = await scene(t)
  s.plex.fail(/^POST \/library\/collections$/, 'cut', 1)
  t.match((await s.setUp()).failed, [{ step: /^make the collection Crime/ }])
  t.match(await s.setUp(), { done: [/Crime/], failed: [] })
  t.same(s.has(), { Mine: 1, Crime: 1, Films: 1201 })

  await s.remove()
  // Killed after Plex had made it, and before its key was written down.
  s.plex.collections.push({ section: '5', ratingKey: '8', title: 'Films', items: ['1000'] })
  s.record.begin({ section: '5', title: 'Films' })
  t.match(await s.setUp(), { failed: [], left: [], problems: [] })
  t.same(s.has(), { Mine: 1, Films: 1201, Crime: 1 }, 'it is taken up, and filled')

  await s.remove()
  // Killed before Plex was asked; a person makes one of that name later.
  s.record.begin({ section: '5', title: 'Films' })
  await s.remove()
  s.plex.collections.push({ section: '5', ratingKey: '9', title: 'Films', items: ['1000'] })
  t.match((await s.setUp()).problems, [/"Films" that we did not make/])
  await s.remove()
  t.same(s.has(), { Mine: 1, Films: 1 })
})
