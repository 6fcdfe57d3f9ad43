import t from 'tap'
import { planCollections, planCollectionsRemoval, type SeenCollection } from '../../src/plex/collection-plan.ts'

const wanted = (title: string, ...items: string[]) => ({ title, items: new Set(items) })
const seen = (key: string, title: string, items: string[], isOurs = true): SeenCollection => {
  return { key, title, isOurs, items: new Set(items) }
}

t.test('from nothing, each category with titles becomes a collection', async t => {
  const { steps, problems } = planCollections([wanted('Action', '1', '2'), wanted('Empty'), wanted('Crime', '2')], [])
  t.match(steps, [
    { do: 'create-collection', title: 'Action', batches: [['1', '2']] },
    { do: 'create-collection', title: 'Crime', batches: [['2']] },
  ])
  t.equal(steps.length, 2)
  t.same(problems, [])
})

t.test('a collection that equals its category needs nothing', async t => {
  const plan = planCollections([wanted('Action', '1', '2')], [seen('90', 'Action', ['2', '1'])])
  t.same(plan, { steps: [], problems: [] })
})

t.test('titles that come and go are added and taken out', async t => {
  const { steps } = planCollections([wanted('Action', '1', '3')], [seen('90', 'Action', ['1', '2'])])
  t.match(steps, [
    { do: 'add-items', key: '90', batches: [['3']] },
    { do: 'remove-items', key: '90', items: ['2'] },
  ])
  t.equal(steps.length, 2)
})

t.test('a category with another name is a new collection, and the old one goes', async t => {
  const { steps } = planCollections([wanted('Thrillers', '1')], [seen('90', 'Crime', ['1'])])
  t.match(steps, [
    { do: 'create-collection', title: 'Thrillers' },
    { do: 'remove-collection', key: '90' },
  ])
})

t.test('a collection that a person made stays as it is, also under the name of a category', async t => {
  const theirs = [seen('7', 'action', ['9'], false), seen('8', 'Favourites', ['1'], false)]
  const { steps, problems } = planCollections([wanted('Action', '1')], theirs)
  t.same(steps, [])
  t.match(problems, [/"Action".*did not make/])
  t.same(planCollectionsRemoval(theirs).steps, [])
})

t.test('a collection emptied of its titles is removed, and removal takes all of ours', async t => {
  const has = [seen('90', 'Action', ['1']), seen('91', 'Crime', ['2']), seen('7', 'Mine', ['1'], false)]
  t.match(planCollections([wanted('Action'), wanted('Crime', '2')], has).steps, [
    { do: 'remove-collection', key: '90' },
  ])
  t.same(
    planCollectionsRemoval(has).steps.map(step => 'key' in step && step.key),
    ['90', '91'],
  )
})

t.test('50,000 titles go in requests that are each below 8 KB, none left out and none twice', async t => {
  const keys = Array.from({ length: 50_000 }, (_, index) => String(100_000 + index))
  const [step] = planCollections([wanted('All', ...keys)], []).steps
  if (step?.do !== 'create-collection') return t.fail('it makes a collection')
  for (const batch of step.batches)
    if (encodeURIComponent(batch.join(',')).length > 7_000) t.fail('a batch is too long')
  t.same(step.batches.flat(), keys)
})
