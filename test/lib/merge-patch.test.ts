import fc from 'fast-check'
import t from 'tap'
import { applyMergePatch, mergePatch } from '../../src/lib/merge-patch.ts'

/** JSON without null, which means "gone" in a merge patch. */
const { value } = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { noNullPrototype: true }),
  ),
}))
const document = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { noNullPrototype: true })

t.test('the examples of RFC 7396, appendix A', async t => {
  for (const [target, patch, result] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, 'bar', 'bar'],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]) {
    t.strictSame(applyMergePatch(target, patch), result, JSON.stringify([target, patch]))
  }
})

t.test('what was different is the same once its difference is merged, after a trip as text', async t => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      const patch = mergePatch(before, after)
      if (patch === undefined) return t.strictSame(before, after) !== undefined
      const merged = applyMergePatch(before, JSON.parse(JSON.stringify(patch)))
      return JSON.stringify(sorted(merged)) === JSON.stringify(sorted(after))
    }),
    { numRuns: 2_000 },
  )
})

t.test('nothing is told where nothing changed, and only what did elsewhere', async t => {
  const before = { nfs: { calls: 1, clients: ['a'] }, queue: { entries: [{ id: 1 }] } }
  t.equal(mergePatch(before, structuredClone(before)), undefined)
  t.strictSame(mergePatch(before, { ...before, nfs: { calls: 2, clients: ['a'] } }), { nfs: { calls: 2 } })
  t.strictSame(mergePatch({ a: 1, b: undefined }, { a: undefined, c: undefined }), { a: null })
  const after = applyMergePatch(before, { nfs: { calls: 2 } }) as typeof before
  t.equal(after.queue, before.queue, 'what did not change is the same object')
})

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return Array.isArray(value) ? value.map(sorted) : value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  )
}
