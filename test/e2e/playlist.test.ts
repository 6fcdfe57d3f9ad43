import t from 'tap'
import { connectNfs } from '../lib/nfs-client.ts'
import { type PublishedFile, publishedFiles, serveDemo } from '../lib/served-demo.ts'

t.test("an account's playlist gives the films and shows that its API gives, with the same bytes", async t => {
  const byApi = await serveDemo(t)
  const byPlaylist = await serveDemo(t, { playlist: true })
  const files = await publishedFiles(byPlaylist)
  t.strictSame(placesOf(files), placesOf(await publishedFiles(byApi)))
  await using client = await connectNfs(byPlaylist.app.nfs.port)
  for (const { path, bytes } of files) {
    const { handle } = await client.find(path)
    const middle = Math.floor(bytes.length / 2)
    for (const [offset, length] of [
      [0, 1000],
      [middle, 100_000],
      [bytes.length - 10, 10],
    ] as const) {
      t.ok(
        (await client.read(handle, offset, length)).equals(bytes.subarray(offset, offset + length)),
        `${path} ${offset}`,
      )
    }
  }
  t.equal(byPlaylist.app.status().accounts[0]?.slots.limit, 3, "the limit is the panel's")
})

/**
 * Where files are, as far as a playlist tells: it has no ids, no names of episodes, and no times, by which the versions of a
 * film are put in order.
 */
function placesOf(files: readonly PublishedFile[]): readonly string[] {
  return files
    .map(({ path }) => path.replaceAll(/ \{tmdb-\d+\}/g, ''))
    .map(path => path.replace(/^(\/Movies\/[^/]+)\/.*/, '$1').replace(/( - s\d+e\d+).*/, '$1'))
    .toSorted()
}
