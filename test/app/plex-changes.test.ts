import t from 'tap'
import { changedFolders } from '../../src/app/plex-changes.ts'
import type { Changes } from '../../src/catalog/index.ts'

const tree = new Map([
  [16, { parentId: 16, name: '' }],
  [17, { parentId: 16, name: 'Movies' }],
  [18, { parentId: 17, name: 'Heat (1995)' }],
])
const catalog = { root: 16, node: (id: number) => tree.get(id) } as never

const all = async (changes: Changes, mount: string) =>
  (await Array.fromAsync(changedFolders(changes, catalog, mount))).flat()

t.test('folders are named as the host of Plex sees them', async t => {
  const changes = { directories: [16, 17, 18, 99], gone: [['TV', 'Fargo (2014)']] }
  t.same(await all(changes, '/mnt/reelport/'), [
    '/mnt/reelport/TV/Fargo (2014)',
    '/mnt/reelport',
    '/mnt/reelport/Movies',
    '/mnt/reelport/Movies/Heat (1995)',
  ])
  t.same(await all({ directories: 'all' }, '/mnt/reelport'), [])
})
