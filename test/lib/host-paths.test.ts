import fc from 'fast-check'
import t from 'tap'
import { foldersAbove, isInside, isSamePath, nameIn, parentOf, pathBelow } from '../../src/lib/host-paths.ts'

const mounts = [
  '/',
  '/mnt/reelport',
  '/mnt/reelport/',
  'R:\\',
  'R:',
  'D:\\media\\reelport',
  '\\\\nas\\films',
  'C:/media',
]
/** As in our tree: without anything that separates. */
const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter(name => !/[/\\]/.test(name))

t.test('paths are put together as the machine writes them', async t => {
  t.equal(pathBelow('/mnt/reelport/', 'Movies', 'Heat (1995)'), '/mnt/reelport/Movies/Heat (1995)')
  t.equal(pathBelow('R:\\', 'Movies'), 'R:\\Movies')
  t.equal(pathBelow('\\\\nas\\films', 'TV'), '\\\\nas\\films\\TV')
  t.equal(pathBelow('C:/media', 'TV'), 'C:/media/TV')
  t.equal(pathBelow('/'), '/')
  t.equal(pathBelow('R:'), 'R:\\')
  t.equal(parentOf('R:\\Movies'), 'R:\\')
  t.equal(parentOf('/Movies'), '/')
  t.same([...foldersAbove('R:\\Movies\\Heat\\Heat.mkv')], ['R:\\Movies\\Heat', 'R:\\Movies', 'R:'])
})

t.test('what was put together comes apart again', async t => {
  fc.assert(
    fc.property(fc.constantFrom(...mounts), fc.array(names, { minLength: 1, maxLength: 4 }), (mount, below) => {
      const path = pathBelow(mount, ...below)
      const above = pathBelow(mount, ...below.slice(0, -1))
      return (
        nameIn(path) === below.at(-1) &&
        isSamePath(parentOf(path), above) &&
        isInside(path, mount) &&
        !isInside(path, path) &&
        !isInside(above, path) &&
        [...foldersAbove(path)].some(folder => isSamePath(folder, above)) === (above !== '/')
      )
    }),
  )
  t.pass('for every mount and name')
})

t.test('a name that another begins with is not the folder of it', async t => {
  t.notOk(isInside('/mnt/Movies 4K/Heat', '/mnt/Movies'))
  t.ok(isInside('r:\\x\\Movies\\Heat', 'r:\\x\\Movies\\'))
  t.ok(isSamePath('/mnt//Movies/', '/mnt/Movies'))
})
