import type { Test } from 'tap'
import type { FileId, FileTree } from '../../src/nfs/file-tree.ts'
import { TreeError } from '../../src/nfs/file-tree.ts'

export interface TreeUnderTest {
  readonly tree: FileTree
  /** The bytes of each file, by its path; the tree has at least one. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** A directory with at least three entries, to which `addEntry` adds one, and from which `removeEntry` removes one. */
  readonly directory: FileId
  addEntry(): void
  removeEntry(name: string): void
}

/** What every FileTree promises. `make` gives a fresh one for each test. */
export function fileTreeContract(t: Pick<Test, 'test'>, make: () => Promise<TreeUnderTest>): void {
  const walk = (tree: FileTree) => {
    const found = new Map<string, FileId>([['', tree.root]])
    for (const [path, id] of found) {
      if (tree.attributes(id)?.kind !== 'directory') continue
      for (let after = 0; ; ) {
        const entries = tree.list(id, after, 7)
        for (const entry of entries) found.set(`${path}/${entry.name}`, entry.id)
        if (entries.length < 7) break
        after = entries.at(-1)!.id
      }
    }
    return found
  }

  t.test('the root is a directory, and its own parent', async t => {
    const { tree } = await make()
    const root = tree.attributes(tree.root)
    t.equal(root?.kind, 'directory')
    t.equal(root?.parent, tree.root)
  })

  t.test('ids are unique, above what is set aside, and keep their attributes', async t => {
    const { tree } = await make()
    const found = walk(tree)
    t.equal(new Set(found.values()).size, found.size)
    for (const [path, id] of found) {
      t.ok(Number.isSafeInteger(id) && id >= 16, path)
      t.same(tree.attributes(id), tree.attributes(id), path)
    }
  })

  t.test('attributes, look-up and listing say the same', async t => {
    const { tree } = await make()
    for (const [path, id] of walk(tree)) {
      if (tree.attributes(id)?.kind !== 'directory') continue
      for (const { name, ...listed } of tree.list(id, 0, 1000)) {
        t.same(tree.attributes(listed.id), listed, `${path}/${name}`)
        t.same(tree.lookup(id, name), listed, `${path}/${name}`)
        t.equal(listed.parent, id, `${path}/${name}`)
      }
    }
  })

  t.test('directories read together have the entries and the time that they have one by one', async t => {
    const { tree } = await make()
    const directories = [...walk(tree).values()]
      .filter(id => tree.attributes(id)?.kind === 'directory')
      .sort((a, b) => a - b)
    for (const first of directories) {
      const expected = directories
        .filter(id => id >= first)
        .flatMap(id =>
          tree.list(id, 0, 1000).map(entry => ({ ...entry, parentModifiedAt: tree.attributes(id)!.modifiedAt })),
        )
      t.same(tree.listFrom(first, 1000), expected, `from ${first}`)
      t.same(tree.listFrom(first, 2), expected.slice(0, 2), `two from ${first}`)
    }
  })

  t.test('what is not there is undefined', async t => {
    const { tree, directory } = await make()
    t.equal(tree.attributes(2 ** 52), undefined)
    t.equal(tree.lookup(directory, 'no such name'), undefined)
    t.same(tree.list(directory, 2 ** 52, 10), [])
    const [file] = [...walk(tree).values()].filter(id => tree.attributes(id)?.kind === 'file')
    t.equal(tree.lookup(file!, 'name'), undefined, 'nothing is in a file')
    t.same(tree.list(file!, 0, 10), [])
  })

  t.test('a listing resumes after any id, in ascending order, and is short only at the end', async t => {
    const { tree, directory } = await make()
    const all = tree.list(directory, 0, 1000)
    t.same(
      all.map(({ id }) => id),
      all.map(({ id }) => id).toSorted((a, b) => a - b),
    )
    for (let limit = 1; limit <= all.length; limit++) {
      for (let from = 0; from < all.length; from++) {
        const after = from === 0 ? 0 : all[from - 1]!.id
        t.same(tree.list(directory, after, limit), all.slice(from, from + limit))
      }
    }
  })

  t.test('a listing goes on where it was while the directory changes', async t => {
    const { tree, directory, addEntry, removeEntry } = await make()
    const before = tree.list(directory, 0, 1000)
    const [first, second] = tree.list(directory, 0, 2)
    removeEntry(first!.name)
    addEntry()
    removeEntry(second!.name)
    const rest = tree.list(directory, second!.id, 1000)
    t.same(rest.slice(0, before.length - 2), before.slice(2), 'none of those that stayed is lost or repeated')
    t.equal(rest.length, before.length - 1, 'and the new one comes at the end')
    t.equal(tree.attributes(first!.id), undefined, 'the id of what is gone is gone')
  })

  t.test("a directory's time changes when its entries do", async t => {
    const { tree, directory, addEntry } = await make()
    const before = tree.attributes(directory)!.modifiedAt
    t.equal(tree.attributes(directory)!.modifiedAt, before)
    addEntry()
    t.ok(tree.attributes(directory)!.modifiedAt > before)
  })

  t.test('files have their exact size, and their bytes at any offset', async t => {
    const { tree, files } = await make()
    const found = walk(tree)
    const { signal } = new AbortController()
    for (const [path, bytes] of Object.entries(files)) {
      const id = found.get(path)
      if (id === undefined) return void t.fail(`${path} is not listed`)
      t.equal(tree.attributes(id)!.size, bytes.length, path)
      for (const [from, to] of [
        [0, bytes.length],
        [1, 2],
        [bytes.length - 1, bytes.length],
      ] as const) {
        const target = new Uint8Array(Math.max(0, to - from))
        await tree.read(id, target, from, signal)
        t.ok(Buffer.from(target).equals(bytes.subarray(from, to)), `${path} from ${from} to ${to}`)
      }
    }
  })

  t.test('what cannot be read says why', async t => {
    const { tree, directory } = await make()
    const codeOf = async (id: FileId) => {
      try {
        await tree.read(id, new Uint8Array(1), 0, new AbortController().signal)
      } catch (error) {
        return error instanceof TreeError && error.code
      }
      return 'nothing'
    }
    t.equal(await codeOf(directory), 'not-a-file')
    t.equal(await codeOf(2 ** 52), 'gone')
  })

  t.test('totals count every file and directory, and the bytes of the files', async t => {
    const { tree } = await make()
    const nodes = [...walk(tree).values()].map(id => tree.attributes(id)!)
    const bytes = nodes.reduce((sum, { kind, size }) => sum + (kind === 'file' ? size : 0), 0)
    t.same(tree.totals(), { bytes, files: nodes.length })
  })
}
