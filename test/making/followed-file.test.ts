import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { chunkBytes, FollowedFile } from '../../src/making/followed-file.ts'
import { digestOf } from '../lib/making.ts'

const { signal } = new AbortController()
const headBytes = 300_000

t.test('the digest of a file that was followed is that of its bytes', async t => {
  // Around the borders of chunks, shorter than a chunk, and nothing at all.
  for (const size of [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 5 * chunkBytes, 5 * chunkBytes + 7]) {
    for (const finalFrom of [0, headBytes, chunkBytes, Number.POSITIVE_INFINITY]) {
      const path = join(t.testdir({}), 'film')
      await using file = await FollowedFile.begin(path, finalFrom)
      const bytes = randomBytes(size)
      const writer = createWriteStream(path, { highWaterMark: 100_000 })
      for (let at = 0; at < size; at += 90_001) {
        if (!writer.write(bytes.subarray(at, at + 90_001))) await once(writer, 'drain')
      }
      writer.end()
      await once(writer, 'close')
      t.strictSame(
        await file.settle(signal),
        { size, digest: digestOf(bytes) },
        `${size} bytes, final from ${finalFrom}`,
      )
    }
  }
})

t.test('a head that is written last counts as it is in the end', async t => {
  const path = join(t.testdir({}), 'film')
  await using file = await FollowedFile.begin(path, headBytes)
  await using writer = await open(path, 'r+')
  await writer.write(Buffer.alloc(headBytes))
  await writer.write(randomBytes(4 * chunkBytes + 5))
  await writer.write(randomBytes(headBytes), 0, headBytes, 0)
  const { digest } = await file.settle(signal)
  t.equal(digest, digestOf(readFileSync(path)))
})

t.test('bytes that are one apart have another digest, wherever that is', async t => {
  const path = join(t.testdir({}), 'film')
  const bytes = randomBytes(3 * chunkBytes)
  const digests = new Set<string>()
  for (const at of [undefined, 0, chunkBytes - 1, chunkBytes, 3 * chunkBytes - 1]) {
    await using file = await FollowedFile.begin(path, 0)
    const changed = Buffer.from(bytes)
    if (at !== undefined) changed[at]! ^= 1
    await using writer = await open(path, 'r+')
    await writer.write(changed)
    digests.add((await file.settle(signal)).digest)
  }
  t.equal(digests.size, 5)
})

t.test('an earlier file of that name is gone before its bytes are taken for final', async t => {
  const path = join(t.testdir({ film: Buffer.alloc(3 * chunkBytes, 1) as never }), 'film')
  await using file = await FollowedFile.begin(path, 0)
  t.equal(statSync(path).size, 0)
  t.strictSame(await file.settle(signal), { size: 0, digest: digestOf(Buffer.alloc(0)) })
})

t.test('it is not followed for longer than anybody wants to know', async t => {
  const path = join(t.testdir({}), 'film')
  {
    await using _ = await FollowedFile.begin(path, 0)
  }
  const aborted = AbortSignal.abort(new Error('not any more'))
  await using file = await FollowedFile.begin(path, Number.POSITIVE_INFINITY)
  await using writer = await open(path, 'r+')
  await writer.write(randomBytes(2 * chunkBytes))
  await t.rejects(file.settle(aborted), { message: 'not any more' })
})
