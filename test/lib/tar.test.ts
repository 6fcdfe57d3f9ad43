import { execFileSync } from 'node:child_process'
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import t from 'tap'
import { readTar, TarError, writeTar } from '../../src/lib/tar.ts'
import { without } from './programs.ts'

const file = (name: string, content: Buffer) => ({
  ...{ name, bytes: content.length, modifiedAt: Date.UTC(2026, 0, 31, 23, 59, 58) },
  body: () => Readable.from(content.length > 0 ? [content] : []),
})
const files = [
  file('empty', Buffer.alloc(0)),
  file('small.json', Buffer.from('{}')),
  file('a whole block', Buffer.alloc(512, 'b')),
  file('ü'.repeat(50), Buffer.alloc(100_001, 'x')),
]

async function contents(archive: AsyncIterable<Uint8Array>): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for await (const { name, bytes, body } of readTar(archive)) {
    const content = Buffer.concat(await Array.fromAsync(body))
    if (content.length !== bytes) throw new Error(`${name} has ${content.length} bytes, not ${bytes}`)
    found.set(name, content)
  }
  return found
}

t.test('GNU tar unpacks what is written, for its owner only', { skip: without('tar') }, async t => {
  const directory = t.testdir({ out: {} })
  const archive = join(directory, 'a.tar')
  await pipeline(writeTar(files), createWriteStream(archive))
  const said = execFileSync('tar', ['--extract', '--verbose', '--file', archive, '--directory', join(directory, 'out')])
  t.equal(said.toString().trim().split('\n').length, files.length)
  for (const { name, body, modifiedAt } of files) {
    const path = join(directory, 'out', name)
    t.same(readFileSync(path), Buffer.concat(await Array.fromAsync(body())), name)
    t.match(
      { mode: statSync(path).mode & 0o777, mtimeMs: statSync(path).mtimeMs },
      { mode: 0o600, mtimeMs: modifiedAt },
    )
  }
})

t.test('what GNU tar packs is read, in both of its formats', { skip: without('tar') }, async t => {
  const directory = t.testdir()
  const from = join(directory, 'in')
  mkdirSync(from)
  for (const { name, body } of files) writeFileSync(join(from, name), Buffer.concat(await Array.fromAsync(body())))
  for (const format of ['ustar', 'gnu']) {
    const archive = join(directory, `${format}.tar`)
    execFileSync('tar', [
      '--create',
      `--format=${format}`,
      '--file',
      archive,
      '--directory',
      from,
      ...readdirSync(from),
    ])
    const found = await contents(createReadStream(archive))
    t.same([...found.keys()].sort(), readdirSync(from).sort())
    for (const [name, content] of found) t.same(content, readFileSync(join(from, name)), `${format}: ${name}`)
  }
})

t.test('links, folders and what was cut short are refused', { skip: without('tar') }, async t => {
  const directory = t.testdir({ folder: {}, link: t.fixture('symlink', '/etc/passwd') })
  for (const name of ['folder', 'link']) {
    const archive = execFileSync('tar', ['--create', '--directory', directory, name])
    await t.rejects(contents(Readable.from([archive])), { name: 'TarError', message: new RegExp(`^${name}/? in`) })
  }
  const whole = Buffer.concat(await Array.fromAsync(writeTar(files)))
  for (const end of [0, 100, 512, 1024, whole.length - 1024])
    await t.rejects(contents(Readable.from([whole.subarray(0, end)])), TarError, `${end} bytes`)
})

t.test(
  'however it is cut into chunks, it is read alike, and no bytes make it fail otherwise than by TarError',
  async t => {
    const whole = Buffer.concat(await Array.fromAsync(writeTar(files.slice(0, 3))))
    const expected = await contents(Readable.from([whole]))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), async lengths => {
        const chunks: Buffer[] = []
        for (let at = 0, turn = 0; at < whole.length; at += lengths[turn++ % lengths.length]!)
          chunks.push(whole.subarray(at, at + lengths[turn % lengths.length]!))
        t.same(await contents(Readable.from(chunks)), expected)
      }),
      { numRuns: 30 },
    )
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
  },
)
