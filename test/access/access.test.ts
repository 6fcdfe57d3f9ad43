import { scryptSync } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AccessError, keepPassword, removePassword } from '../../src/access/index.ts'
import { Secret } from '../../src/lib/secret.ts'
import { accessFor, adminToken, dataDirectory, sessionLimits } from '../lib/access.ts'
import { TestClock } from '../lib/test-clock.ts'

const password = 'correct horse é'
const right = new Secret(password)
const wrong = new Secret('incorrect horse')

/** Signs in and gives the session's id. */
async function signedIn(access: Awaited<ReturnType<typeof accessFor>>, address = '192.0.2.1'): Promise<string> {
  const outcome = await access.signIn(right, address)
  if (outcome.is !== 'in') throw new Error(`Not signed in: ${outcome.is}`)
  return outcome.session
}

t.test('the right password begins a session, a wrong one does not, and without one nobody can', async t => {
  const directory = dataDirectory(t)
  const access = await accessFor(t, { directory })
  t.equal(access.hasPassword, false)
  t.same(await access.signIn(right, '192.0.2.1'), { is: 'no-password' })
  await keepPassword(directory, right, 'command')
  t.equal(access.hasPassword, true, 'a running server follows')
  t.same(await access.signIn(wrong, '192.0.2.1'), { is: 'wrong' })
  t.same(await access.signIn(new Secret(''), '192.0.2.1'), { is: 'wrong' })
  t.same(await access.signIn(new Secret('x'.repeat(100_000)), '192.0.2.1'), { is: 'wrong' })
  const session = await signedIn(access)
  t.ok(access.session(session))
  t.notOk(access.session(`${session}x`))
  t.notOk(access.session(''))
  t.match(
    await access.signIn(new Secret('correct horse e\u0301'), '192.0.2.1'),
    { is: 'in' },
    'other bytes, same letters',
  )
  t.ok(access.isToken(adminToken))
  t.notOk(access.isToken(adminToken.slice(1)))
})

t.test('what is kept is a scrypt hash, and hashes of sessions, readable by the owner only', async t => {
  const directory = dataDirectory(t)
  const access = await accessFor(t, { directory, password })
  const session = await signedIn(access)
  const kept = JSON.parse(readFileSync(join(directory, 'password.json'), 'utf8'))
  const options = { N: kept.cost, r: kept.blockSize, p: kept.parallelization, maxmem: 2 ** 28 }
  const expected = scryptSync(password.normalize('NFC'), Buffer.from(kept.salt, 'base64'), 32, options)
  t.equal(kept.hash, expected.toString('base64'))
  t.ok(kept.cost * kept.blockSize * kept.parallelization >= 2 ** 15 * 8 * 3, 'as dear as OWASP asks')
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    t.equal(statSync(path).mode & 0o077, 0, `${name} is private`)
    for (const secret of [password, session]) t.notOk(readFileSync(path).includes(secret), `${name} holds no secret`)
  }
})

t.test('sessions end when they are idle, when they are old, and when somebody signs out', async t => {
  const clock = new TestClock()
  const access = await accessFor(t, { password, clock })
  const [used, idle, left] = [await signedIn(access), await signedIn(access), await signedIn(access)]
  access.signOut(left)
  t.notOk(access.session(left))
  t.equal(access.session(used), clock.now() + sessionLimits.idleMs)
  await clock.advance(sessionLimits.idleMs - 1)
  t.ok(access.session(used))
  await clock.advance(1)
  t.ok(access.session(used), 'using it prolonged it')
  t.notOk(access.session(idle))
  for (let day = 7; day < 29; day++) {
    await clock.advance(86_400_000)
    t.ok(access.session(used), `day ${day}`)
  }
  await clock.advance(86_400_000 - 1)
  t.equal(access.session(used), clock.now() + 1, 'and never beyond its lifetime')
  await clock.advance(1)
  t.notOk(access.session(used))
})

t.test('sessions go on over a restart, and end with their password', async t => {
  const directory = dataDirectory(t)
  await keepPassword(directory, right, 'command')
  const before = await accessFor(t, { directory })
  const session = await signedIn(before)
  before[Symbol.dispose]()
  const after = await accessFor(t, { directory })
  t.ok(after.session(session))
  await keepPassword(directory, wrong, 'command')
  t.notOk(after.session(session), 'another password')
  t.match(await after.signIn(right, '192.0.2.1'), { is: 'wrong' })
  removePassword(directory)
  t.equal(after.hasPassword, false)
})

t.test('the password of the settings goes before the one of the command, and goes with the settings', async t => {
  const directory = dataDirectory(t)
  await keepPassword(directory, wrong, 'command')
  const access = await accessFor(t, { directory, password })
  const session = await signedIn(access)
  t.same(await access.signIn(wrong, '192.0.2.1'), { is: 'wrong' })
  t.ok((await accessFor(t, { directory, password })).session(session), 'the same password keeps its sessions')
  t.notOk((await accessFor(t, { directory, password: 'another password' })).session(session))
  t.equal((await accessFor(t, { directory })).hasPassword, false)
  await t.rejects(
    accessFor(t, { password: 'short é' }),
    new AccessError('A password has 8 to 1024 characters; this one has 7'),
  )
  writeFileSync(join(directory, 'password.json'), '{"hash":')
  await t.rejects(accessFor(t, { directory }), /password\.json is damaged.*reelport password/)
})

t.test('an address has ten guesses, then one every minute and a half, and its neighbours have theirs', async t => {
  const clock = new TestClock()
  const access = await accessFor(t, { password, clock })
  const guess = (address: string, given = wrong) => access.signIn(given, address)
  for (let at = 1; at <= 10; at++) t.same(await guess('2001:db8:0:1::1'), { is: 'wrong' }, `guess ${at}`)
  t.same(
    await guess('2001:db8::1:0:0:0:2', right),
    { is: 'too-many', retryMs: 90_000 },
    'the same /64, however it is written',
  )
  t.same(await guess('2001:db8:0:2::1'), { is: 'wrong' }, 'another /64')
  await clock.advance(89_999)
  t.match(await guess('2001:db8:0:1::1', right), { is: 'too-many', retryMs: 1 })
  await clock.advance(1)
  t.match(await guess('2001:db8:0:1::1', right), { is: 'in' })
  for (let at = 1; at <= 10; at++)
    t.same(await guess('2001:db8:0:1::1'), { is: 'wrong' }, 'being right makes a new start')
})

t.test('guesses sent all at once are counted, and computed one at a time', async t => {
  const access = await accessFor(t, { password })
  const outcomes = await Promise.all(Array.from({ length: 30 }, () => access.signIn(wrong, '::ffff:192.0.2.1')))
  const counts = Object.groupBy(outcomes, ({ is }) => is)
  t.equal(counts.wrong?.length, 8, 'as many as may wait')
  t.equal(counts['too-many']?.length, 22)
  t.match(await access.signIn(right, '192.0.2.1'), { is: 'too-many' }, 'the same address as IPv4')
  t.match(await access.signIn(right, '192.0.2.2'), { is: 'in' })
})
