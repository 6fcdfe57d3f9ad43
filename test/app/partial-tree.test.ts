import t from 'tap'
import {
  type PartialFile,
  type PartialFiles,
  partialDirectoryId,
  partialDirectoryName,
  withPartialFiles,
} from '../../src/app/partial-tree.ts'
import { MemoryTree } from '../../src/nfs/memory-tree.ts'
import { fileTreeContract } from '../contracts/file-tree.ts'
import { testBytes } from '../lib/fake-source.ts'

const bytesOf = (number: number) => testBytes(50_000, number)
const film = (number: number, size = 50_000): PartialFile => ({
  number,
  name: `Film ${number}.mp4.partial`,
  size,
  modifiedAt: 1_700_000_000_000 + number,
})

class Partials implements PartialFiles {
  files: PartialFile[] = []
  changedAt = 1_800_000_000_000
  appearedAt = 1_800_000_000_000
  list = () => this.files
  get = (number: number) => this.files.find(file => file.number === number)
  async read(number: number, target: Uint8Array, offset: number) {
    target.set(bytesOf(number).subarray(offset, offset + target.length))
  }
}

const literal = {
  Movies: { 'a.mkv': testBytes(40_000), 'b.mkv': 'bb', 'c.mkv': 'ccc', 'd.mkv': 'dddd' },
  TV: { Show: { 'x.mkv': 'x' } },
}

t.test('a tree with files that are being made keeps the contract of a tree', async t => {
  fileTreeContract(t, async () => {
    const inner = new MemoryTree(literal)
    const partials = new Partials()
    partials.files = [film(3), film(77)]
    const movies = inner.lookup(inner.root, 'Movies')!.id
    return {
      tree: withPartialFiles(inner, partials),
      files: {
        '/Movies/a.mkv': testBytes(40_000),
        '/.partial/Film 77.mp4.partial': bytesOf(77),
      },
      directory: movies,
      addEntry: () => void inner.add(movies, 'e.mkv', Buffer.from('e')),
      removeEntry: name => inner.remove(movies, name),
    }
  })
})

t.test('without files being made there is no such directory, and the root says when it came and went', async t => {
  const inner = new MemoryTree(literal)
  const partials = new Partials()
  partials.appearedAt = 0
  const tree = withPartialFiles(inner, partials)
  t.strictSame(tree.attributes(tree.root), inner.attributes(inner.root))
  t.strictSame(tree.list(tree.root, 0, 10), inner.list(inner.root, 0, 10))
  t.strictSame(tree.listFrom(tree.root, 100), inner.listFrom(inner.root, 100))
  t.equal(tree.attributes(partialDirectoryId), undefined)

  partials.files = [film(9)]
  partials.appearedAt = 1_900_000_000_000
  t.equal(tree.attributes(tree.root)!.modifiedAt, 1_900_000_000_000)
  t.equal(tree.lookup(tree.root, partialDirectoryName)!.id, partialDirectoryId)
  t.strictSame(
    tree.list(tree.root, 0, 10).map(({ name }) => name),
    ['Movies', 'TV', '.partial'],
  )
  for (const limit of [1, 2, 3, 4, 100]) {
    const all: string[] = []
    for (let [directory, after] = [tree.root, 0]; ; ) {
      const page = tree.list(directory, after, limit)
      all.push(...page.map(({ name }) => name))
      if (page.length < limit) break
      after = page.at(-1)!.id
    }
    t.strictSame(all, ['Movies', 'TV', '.partial'], `in pages of ${limit}`)
  }

  partials.files = [film(9, 6)]
  t.match(tree.lookup(partialDirectoryId, 'Film 9.mp4.partial'), { size: 6, parent: partialDirectoryId })
})
