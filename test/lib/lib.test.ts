import { createServer } from 'node:net'
import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { allowList, parseRange, privateRanges } from '../../src/lib/allow-list.ts'
import { backoffMs } from '../../src/lib/backoff.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ListenError, listenError } from '../../src/lib/listen-error.ts'
import { silentLog } from '../../src/lib/log.ts'
import { LogTail } from '../../src/lib/log-tail.ts'
import { openLog } from '../../src/lib/logging.ts'
import { Secret } from '../../src/lib/secret.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../src/lib/units.ts'
import { TestClock } from './test-clock.ts'

t.test('sizes are read as people write them', async t => {
  const table: [string, number | undefined][] = [
    ['0', 0],
    ['4096', 4096],
    ['200GiB', 214_748_364_800],
    ['200 gib', 214_748_364_800],
    ['1.5 TB', 1_500_000_000_000],
    [' 64MiB ', 67_108_864],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['', undefined],
    ['GiB', undefined],
    ['-1', undefined],
    ['1e9', undefined],
    ['1.2.3MB', undefined],
    ['10 PiB', undefined],
    ['99999999TiB', undefined],
    ['0x10', undefined],
    ['1 000', undefined],
  ]
  for (const [text, bytes] of table) t.equal(parseSize(text), bytes, JSON.stringify(text))
})

t.test('durations are read as people write them, in one part or several', async t => {
  const table: [string, number | undefined][] = [
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['1h 30m', 5_400_000],
    ['1h30m', 5_400_000],
    ['2D 4H', 187_200_000],
    ['0s', 0],
    ['30', undefined],
    ['', undefined],
    ['s', undefined],
    ['1h -30m', undefined],
    ['1h, 30m', undefined],
    ['30 seconds', undefined],
    ['1h 30', undefined],
    ['9999999999999d', undefined],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, JSON.stringify(text))
})

t.test('what is written for people reads back as nearly the same', async t => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), bytes => {
      const back = parseSize(formatSize(bytes))!
      return Math.abs(back - bytes) <= Math.max(1, bytes * 0.05)
    }),
  )
  fc.assert(
    fc.property(fc.nat({ max: 400 * 86_400_000 }), ms => {
      const back = parseDuration(formatDuration(ms))!
      return Math.abs(back - ms) <= Math.max(500, ms * 0.05)
    }),
  )
  fc.assert(
    fc.property(fc.nat({ max: 999_999 }), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
      const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit]
      return parseDuration(`${count}${unit}`) === count * factor
    }),
  )
  t.equal(formatSize(1_048_575), '1.0 MiB', 'not 1024.0 KiB')
  t.equal(formatSize(1023), '1023 B')
  t.equal(formatSize(512), '512 B')
  t.equal(formatDuration(999.7), '1s')
  t.equal(formatDuration(12_000_000), '3h 20m')
})

t.test('no text makes the parsers of units throw', async t => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d. smhdKMGTiB]{0,20}$/)), text => {
      for (const value of [parseSize(text), parseDuration(text)]) {
        if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) return false
      }
      return true
    }),
  )
  t.pass('a whole number or undefined')
})

t.test('a back-off doubles up to its limit and differs between waiters', async t => {
  const backoff = { firstMs: 100, maxMs: 5_000 }
  const never = () => 0
  t.same(
    [1, 2, 3, 6, 7, 1_000_000].map(attempt => backoffMs(attempt, backoff, never)),
    [100, 200, 400, 3_200, 5_000, 5_000],
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, at) => {
        const full = backoffMs(attempt, backoff, never)
        const ms = backoffMs(attempt, backoff, () => at)
        return ms <= full && ms >= Math.floor(full * 0.75)
      },
    ),
  )
})

t.test('a sleep ends with the reason of the signal that ended it', async t => {
  for (const clock of [systemClock, new TestClock()]) {
    const stop = new AbortController()
    const reason = new Error('shutting down')
    const sleep = clock.sleep(1e9, stop.signal)
    stop.abort(reason)
    await t.rejects(sleep, reason)
    await t.rejects(clock.sleep(1e9, stop.signal), reason, 'also when it was aborted before')
  }
  const clock = new TestClock()
  const woken: number[] = []
  const sleeps = [30, 10, 20].map(ms => clock.sleep(ms).then(() => woken.push(ms)))
  await clock.advance(15)
  t.same(woken, [10])
  await clock.advance(15)
  t.same(woken, [10, 20, 30])
  await Promise.all(sleeps)
})

t.test('a secret is not printed by anything but reveal', async t => {
  fc.assert(
    fc.property(fc.string(), value => {
      const [secret, other] = [new Secret(value), new Secret('something else')]
      const printed = (s: Secret) => [
        `${s}`,
        JSON.stringify({ s }),
        inspect(s),
        inspect([{ s }], { depth: 9, showHidden: true }),
      ]
      t.equal(secret.reveal(), value)
      t.same(printed(secret), printed(other), 'they all look the same')
    }),
  )
})

t.test('logs hold the fields, errors with causes, and no secrets', async t => {
  for (const format of ['json', 'pretty', 'auto'] as const) {
    const lines: string[] = []
    const log = openLog({ level: 'info', format, destination: { write: (line: string) => void lines.push(line) } })
    const secret = new Secret('hunter2hunter2')
    log.child({ part: 'nfs', key: secret }).warn({ secret, deep: [{ secret }], count: 7 }, 'something is odd')
    log.error({ why: new Error('cannot read', { cause: new Error('the disk is gone') }) }, 'failed')
    log.debug({ count: 8 }, 'not at this level')
    const text = lines.join('')
    t.equal(lines.length, 2, format)
    t.match(text, /something is odd/)
    t.match(text, /cannot read.*the disk is gone/s)
    t.notMatch(text, /hunter2/)
    t.match(text, /\[secret\]/)
    if (format === 'pretty') continue
    const [first] = lines.map(line => JSON.parse(line))
    t.match(first, { level: 'warn', part: 'nfs', count: 7, msg: 'something is odd' })
    t.ok(
      Math.abs(Date.parse(first.time) - Date.now()) < 60_000,
      'the time is written so that people and programs read it',
    )
  }
  t.equal(silentLog.child({}), silentLog)
})

t.test('an allow-list knows addresses however sockets write them', async t => {
  const list = allowList(['192.0.2.0/24', '203.0.113.7', '2001:db8::/32', '::1'])
  for (const address of [
    '192.0.2.1',
    '::ffff:192.0.2.255',
    '::FFFF:203.0.113.7',
    '203.0.113.7',
    '2001:db8:1::5',
    '::1',
  ]) {
    t.ok(list.allows(address), address)
  }
  for (const address of ['192.0.3.1', '::ffff:192.0.3.1', '203.0.113.8', '2001:db9::', '::2', '', 'x', undefined]) {
    t.notOk(list.allows(address), String(address))
  }
  t.notOk(allowList([]).allows('127.0.0.1'), 'an empty list lets nobody in')
  t.throws(() => allowList(['example.com']), RangeError)

  const home = allowList(privateRanges)
  for (const address of [
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.9.9',
    '100.127.0.1',
    '::1',
    'fe80::1%eth0',
    'fd12::1',
  ]) {
    t.ok(home.allows(address), address)
  }
  for (const address of ['8.8.8.8', '172.32.0.1', '100.128.0.1', '192.169.0.1', '2001:4860::8888', 'fec0::1']) {
    t.notOk(home.allows(address), address)
  }
})

t.test('a range holds exactly the addresses with its leading bits', async t => {
  const word = fc.integer({ min: 0, max: 0xffff_ffff })
  const dotted = (value: number) => [24, 16, 8, 0].map(shift => (value >>> shift) & 255).join('.')
  fc.assert(
    fc.property(word, word, fc.integer({ min: 0, max: 32 }), fc.boolean(), (a, b, prefix, near) => {
      const other = near ? (a ^ (b & 0xff)) >>> 0 : b
      const same = prefix === 0 || a >>> (32 - prefix) === other >>> (32 - prefix)
      return allowList([`${dotted(a)}/${prefix}`]).allows(dotted(other)) === same
    }),
  )
  for (const text of [
    '1.2.3.4/33',
    '::/129',
    '1.2.3/8',
    '1.2.3.4/',
    '/8',
    '1.2.3.4/a',
    'fe80::1%eth0',
    '1.2.3.4 ',
    '',
  ]) {
    t.equal(parseRange(text), undefined, JSON.stringify(text))
  }
})

t.test('a port in use is explained with the setting that decides it', async t => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const second = createServer()
  const error = await new Promise(resolve => second.once('error', resolve).listen(port, '127.0.0.1'))
  const explained = listenError(error, { what: 'The NFS server', host: '127.0.0.1', port, section: 'nfs' })
  t.ok(explained instanceof ListenError)
  t.match(explained, { code: 'EADDRINUSE', cause: error })
  for (const part of [
    'The NFS server',
    `127.0.0.1:${port}`,
    'nfs.port',
    '--nfs-port',
    'REELPORT_NFS_PORT',
    'ss -ltnp',
  ]) {
    t.ok((explained as Error).message.includes(part), part)
  }
})

t.test('other reasons not to listen are explained too', async t => {
  const of = (code: string, host = '::') =>
    listenError(Object.assign(new Error(code), { code }), { what: 'The HTTP server', host, port: 80, section: 'http' })
  t.match(of('EACCES'), { message: /\[::\]:80.*CAP_NET_BIND_SERVICE.*ip_unprivileged_port_start=80/ })
  t.match(of('EADDRNOTAVAIL', '192.0.2.1'), { message: /192\.0\.2\.1:80.*127\.0\.0\.1.*--http-host/ })
  t.match(of('ENOTFOUND', 'nowhere'), { message: /nowhere:80.*http\.host/ })
  const stranger = new TypeError('something else')
  t.equal(listenError(stranger, { what: '', host: '', port: 0, section: 'http' }), stranger)
})

t.test('the last lines of the log stay in memory, as they were written, each level by itself', async t => {
  const tail = new LogTail(3)
  const written: string[] = []
  const destination = { write: (line: string) => void written.push(line) }
  const log = openLog({ level: 'debug', format: 'json', destination, tail }).child({ part: 'nfs' })
  log.warn({ client: '10.0.0.1', password: new Secret('hunter2') }, 'a call failed')
  for (let at = 0; at < 10; at++) log.debug({ at }, 'looked')
  const [line] = tail.list('warn', 10)
  t.match(line, { number: 1, level: 'warn', part: 'nfs', message: 'a call failed' })
  t.strictSame(JSON.parse(line!.fields), { client: '10.0.0.1', password: '[secret]' })
  t.strictSame(
    tail.list('debug', 10).map(({ number }) => number),
    [11, 10, 9, 1],
    'many that say little do not drive out what says much',
  )
  t.equal(tail.list('debug', 2).length, 2)
  t.strictSame([tail.written, written.length], [11, 11])
})
