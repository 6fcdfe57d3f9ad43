import fc from 'fast-check'
import t from 'tap'
import { HandleCodec } from '../../src/nfs/fhandle.ts'
import type { FileId, FileTree } from '../../src/nfs/file-tree.ts'
import { MemoryTree } from '../../src/nfs/memory-tree.ts'
import { Nodes } from '../../src/nfs/nodes.ts'
import { readdirPage } from '../../src/nfs/readdir.ts'

const handles = new HandleCodec(Buffer.alloc(8, 7), Buffer.alloc(16, 3))
const ownership = { uid: 1, gid: 2, fsid: [3, 4] } as const
const limit = 256

/** A tree of directories that each hold a few files, with gaps between their ids. */
function treeOf(directories: number, files: number): { tree: MemoryTree; top: FileId; ids: FileId[] } {
  const tree = new MemoryTree({ Movies: {} })
  const top = tree.lookup(tree.root, 'Movies')!.id
  const ids = Array.from({ length: directories }, (_, at) => tree.add(top, `Film ${at}`, {}))
  for (const id of ids) for (let at = 0; at < files; at++) tree.add(id, `${at}.mkv`, `film ${id}.${at}`)
  return { tree, top, ids }
}

/** What a client sees of a directory. */
function seen(nodes: Nodes, id: FileId) {
  const directory = nodes.byId(id)
  if (directory === undefined) return undefined
  const request = { cookie: 0, maxBytes: 65_536, maxNameBytes: 65_536, plus: true }
  const page = readdirPage(nodes, directory, node => nodes.byId(node.parent) ?? node, request)
  return {
    attributes: directory.attributes,
    page: page && Buffer.from(page.entries.bytes).toString('hex'),
    eof: page?.eof,
  }
}

t.test('a walk asks the tree once for many directories', async t => {
  const { tree, top, ids } = treeOf(200, 2)
  let questions = 0
  const counting: FileTree = {
    root: tree.root,
    attributes: id => tree.attributes(id),
    lookup: (directory, name) => tree.lookup(directory, name),
    list: (...args) => counted(tree.list(...args)),
    listFrom: (...args) => counted(tree.listFrom(...args)),
    read: (...args) => tree.read(...args),
    totals: () => tree.totals(),
  }
  const counted = <T>(answer: T) => {
    questions++
    return answer
  }
  const nodes = new Nodes(counting, handles, ownership, 1024 * 1024)
  for (const directory of [top, ...ids]) seen(nodes, directory)
  t.ok(questions < 20, `${questions} questions`)
})

t.test('what was read ahead is not shown under the time of a later change', async t => {
  const { tree, ids } = treeOf(20, 1)
  const nodes = new Nodes(tree, handles, ownership, 1024 * 1024)
  for (const id of ids.slice(0, 3)) seen(nodes, id) // the walk has read the others ahead
  tree.add(ids[10]!, 'new.mkv', 'new') // and nobody was told yet
  const fresh = new Nodes(tree, handles, ownership, 0)
  t.same(seen(nodes, ids[10]!), seen(fresh, ids[10]!))
})

const change = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('add', 'remove', 'add directory', 'remove directory', 'all', 'none'),
  looks: fc.array(fc.nat(), { maxLength: 12 }),
})

t.test('with a cache of any size, clients see what they see without one', async t => {
  const holds = fc.check(
    fc.property(fc.constantFrom(500, 3_000, 1_000_000), fc.array(change, { maxLength: 20 }), (cacheBytes, changes) => {
      const { tree, top, ids } = treeOf(40, 1)
      const cached = new Nodes(tree, handles, ownership, cacheBytes)
      const plain = new Nodes(tree, handles, ownership, 0)
      for (const [step, { at, what, looks }] of changes.entries()) {
        const id = ids[at % ids.length]!
        const exists = tree.attributes(id) !== undefined
        if (what === 'all') cached.changed('all')
        else if (what === 'add directory') {
          ids.push(tree.add(top, `New ${step}`, { 'a.mkv': 'a' }))
          cached.changed([top, ids.at(-1)!])
        } else if (what === 'remove directory' && exists) {
          tree.remove(top, nameOf(tree, top, id))
          cached.changed([top, id])
        } else if (what === 'add' && exists) {
          tree.add(id, `${step}.mkv`, 'more')
          cached.changed([id])
        } else if (what === 'remove' && exists) {
          const [first] = tree.list(id, 0, 1)
          if (first !== undefined) tree.remove(id, first.name)
          cached.changed([id])
        }
        for (const look of [at, at + 1, at + 2, ...looks]) {
          const directory = look % 7 === 0 ? top : ids[look % ids.length]!
          if (JSON.stringify(seen(cached, directory)) !== JSON.stringify(seen(plain, directory))) return false
          for (const { name } of tree.list(directory, 0, limit)) {
            const child = cached.child(cached.byId(directory)!, name)
            if (
              JSON.stringify(child?.attributes) !==
              JSON.stringify(plain.child(plain.byId(directory)!, name)?.attributes)
            )
              return false
            if (child === undefined || cached.byHandle(child.handle)?.id !== child.id) return false
          }
        }
      }
      return true
    }),
    { numRuns: 100 },
  )
  t.notOk(holds.failed, fc.defaultReportMessage(holds) ?? '')
})

function nameOf(tree: MemoryTree, directory: FileId, id: FileId): string {
  return tree.list(directory, id - 1, 1)[0]!.name
}
