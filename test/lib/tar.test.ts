import { execFileSync } from 'node:child_process'
import { createReadStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { eachFile, TarError } from '../../src/lib/tar.ts'
import { without } from './programs.ts'
import { tarOf } from './tar-of.ts'

const files = [
  ['empty', Buffer.alloc(0)],
  ['small.json', Buffer.from('{}')],
  ['a whole block', Buffer.alloc(512, 'b')],
  ['ü'.repeat(50), Buffer.alloc(400_001, 'x')],
] as const

async function contents(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  await eachFile(archive, async ({ name, body }) => {
    found.set(name, Buffer.concat(await Array.fromAsync(body)))
  })
  return found
}

t.test('what GNU tar packs is read, in order', { skip: without('tar') }, async t => {
  const directory = t.testdir()
  const from = join(directory, 'in')
  mkdirSync(from)
  for (const [name, content] of files) writeFileSync(join(from, name), content)
  for (const format of ['ustar', 'gnu', 'posix']) {
    const archive = join(directory, `${format}.tar`)
    const names = readdirSync(from)
    execFileSync('tar', ['--create', `--format=${format}`, '--file', archive, '--directory', from, ...names])
    const found = await contents(createReadStream(archive, { highWaterMark: 700 }))
    t.same([...found.keys()], names)
    for (const [name, content] of found) t.same(content, readFileSync(join(from, name)), `${format}: ${name}`)
  }
})

t.test('links, folders and what was cut short are refused', { skip: without('tar') }, async t => {
  const directory = t.testdir({ folder: {}, link: t.fixture('symlink', '/etc/passwd') })
  for (const name of ['folder', 'link']) {
    const archive = execFileSync('tar', ['--create', '--directory', directory, name])
    await t.rejects(contents(Readable.from([archive])), { name: 'TarError', message: new RegExp(`^${name}/? in`) })
  }
  const whole = tarOf(files)
  for (const end of [2_200, 10_000, 300_000])
    await t.rejects(contents(Readable.from([whole.subarray(0, end)])), TarError, `${end} bytes`)
})

t.test('what goes wrong with a file ends the reading', async t => {
  const whole = tarOf(files)
  const stop = async () => {
    throw new Error('no room')
  }
  await t.rejects(eachFile(Readable.from([whole.subarray(0, 900), whole.subarray(900)]), stop), { message: 'no room' })
})

t.test('damage is told, and nothing else', async t => {
  const whole = tarOf(files.slice(0, 3))
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async changes => {
      const damaged = Buffer.from(whole)
      for (const [at, byte] of changes) damaged[at] = byte
      await contents(Readable.from([damaged])).catch(error => {
        if (!(error instanceof TarError)) throw error
      })
    }),
    { numRuns: 300 },
  )
  t.pass('whichever bytes are others')
})
