import t from 'tap'
import { MemoryTree } from '../../src/nfs/memory-tree.ts'
import { fileTreeContract } from '../contracts/file-tree.ts'

fileTreeContract(t, async () => {
  const tree = new MemoryTree({
    Movies: { a: 'aaa', b: '', 'č d.mkv': 'x'.repeat(100) },
    TV: { Show: { 'e1.mkv': 'e1' } },
  })
  const directory = tree.lookup(tree.root, 'Movies')!.id
  return {
    tree,
    files: {
      '/Movies/a': Buffer.from('aaa'),
      '/Movies/č d.mkv': Buffer.from('x'.repeat(100)),
      '/TV/Show/e1.mkv': Buffer.from('e1'),
    },
    directory,
    addEntry: () => void tree.add(directory, `new ${Math.random()}`, 'new'),
    removeEntry: name => tree.remove(directory, name),
  }
})
