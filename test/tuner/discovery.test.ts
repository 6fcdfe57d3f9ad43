import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { silentLog } from '../../src/lib/log.ts'
import { readPacket, writePacket } from '../../src/tuner/discovery-packet.ts'
import { isDeviceId, newDeviceId, startDiscovery, type TunerDevice } from '../../src/tuner/index.ts'
import { without } from '../lib/programs.ts'
import { until } from '../lib/until.ts'

const run = promisify(execFile)
const ids = [newDeviceId(), newDeviceId()] as const
const device = (index: number): TunerDevice => ({
  ...{ index, deviceId: ids[index]!, name: `reelport ${index}`, tuners: 2 + index, scanPossible: true, channels: [] },
})
const deps = {
  devices: () => ({ isReady: true, devices: [device(0), device(1)] }),
  tuners: () => [undefined, '1007'],
  log: silentLog,
}
const options = { host: '0.0.0.0', httpPort: 5004, hdhomerun: 'on', ssdp: false } as const

t.test('ids have the maker’s checksum', async t => {
  t.ok(isDeviceId('1044AA32'))
  for (const wrong of ['12345678', '1044AA33', 'reelport', '1044AA3', '']) t.notOk(isDeviceId(wrong), wrong)
  const many = Array.from({ length: 500 }, newDeviceId)
  t.ok(many.every(isDeviceId))
  t.equal(new Set(many).size, 500)
})

t.test('packets survive the way there and back; damaged ones are none', async t => {
  for (const length of [0, 1, 127, 128, 300, 1400]) {
    const packet = { type: 4, values: [{ tag: 3, value: Buffer.alloc(length, 0x61) }] }
    const bytes = writePacket(packet)
    t.strictSame(readPacket(bytes)!.values[0]!.value.length, length)
    for (let at = 0; at < bytes.length; at += 7) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x10
      if (readPacket(damaged) !== undefined) t.fail(`damaged at ${at}`)
    }
  }
  // As libhdhomerun writes a length of 300: the low seven bits first.
  t.equal(
    writePacket({ type: 2, values: [{ tag: 3, value: Buffer.alloc(300) }] })
      .subarray(4, 7)
      .toString('hex'),
    '03ac02',
  )
})

t.test(
  'the maker’s own program finds the devices and talks to them',
  { skip: without('hdhomerun_config') },
  async t => {
    await using _ = await startDiscovery(options, deps)
    const config = async (...args: string[]) => {
      const { stdout } = await run('hdhomerun_config', args).catch(error => ({
        stdout: `${error.stdout}${error.stderr}`,
      }))
      return stdout.trim()
    }
    const found = await config('discover', '127.0.0.1')
    t.match(found, new RegExp(`hdhomerun device ${ids[0]} found at 127\\.0\\.0\\.1`))
    t.match(found, new RegExp(`hdhomerun device ${ids[1]} found at 127\\.0\\.0\\.1`))
    t.equal(await config('127.0.0.1', 'get', '/sys/model'), 'hdhomerun5_atsc')
    t.match(await config('127.0.0.1', 'get', '/tuner1/status'), /^ch=1007 lock=8vsb ss=100/)
    t.match(await config('127.0.0.1', 'get', '/tuner0/status'), /^ch=none/)
    t.match(await config('127.0.0.1', 'get', '/tuner9/status'), /unknown getset variable/)
    t.match(await config('127.0.0.1', 'get', 'help'), /Supported configuration options/)
    t.match(await config('127.0.0.1', 'set', '/sys/model', 'x'), /read only/)
  },
)

t.test('only what is asked for answers, and garbage gets nothing', async t => {
  await using _ = await startDiscovery({ ...options, host: '127.0.0.1', baseUrl: 'http://tv.home:5004' }, deps)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const answers: Buffer[] = []
  socket.on('message', message => answers.push(message))
  await new Promise<void>(done => socket.bind(0, '127.0.0.1', done))
  const send = (bytes: Uint8Array) => socket.send(bytes, 65_001, '127.0.0.1')
  const u32 = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])
  const search = (type: number, id: number) =>
    writePacket({
      type: 2,
      values: [
        { tag: 1, value: u32(type) },
        { tag: 2, value: u32(id) },
      ],
    })
  let seed = 11
  for (let count = 0; count < 100; count++) {
    seed = (seed * 48_271) % 2_147_483_647
    send(Buffer.from(Array.from({ length: seed % 200 }, (_, at) => (seed >> (at % 24)) & 0xff)))
  }
  send(search(5, 0xffffffff)) // a storage device
  send(search(1, 0x12345678)) // another id
  send(writePacket({ type: 3, values: [] })) // a reply
  send(search(1, Number.parseInt(ids[1]!, 16)))
  await new Promise<void>(done => socket.once('message', () => done()))
  t.equal(answers.length, 1)
  const values = new Map(readPacket(answers[0]!)!.values.map(({ tag, value }) => [tag, value]))
  t.equal(values.get(0x02)!.toString('hex').toUpperCase(), ids[1])
  t.equal(values.get(0x10)![0], 3)
  t.equal(values.get(0x2a)!.toString(), 'http://tv.home:5004/d1')
  t.equal(values.get(0x27)!.toString(), 'http://tv.home:5004/d1/lineup.json')

  const control = connect(65_001, '127.0.0.1')
  await new Promise<void>(done =>
    control
      .resume()
      .once('close', () => done())
      .end('GET / HTTP/1.1\r\n\r\nand more that is no packet of any kind, as it goes on'),
  )
  t.pass('a connection that talks nonsense is closed')
})

t.test('a port that is taken is said, and nothing else is lost', async t => {
  {
    await using _ = await startDiscovery(options, deps)
    await t.rejects(startDiscovery(options, deps), { name: 'ListenError', message: /65001/ })
    await using second = await startDiscovery({ ...options, hdhomerun: 'auto' }, deps)
    t.strictSame(second.how, { hdhomerun: false, ssdp: false })
  }
  await until('all sockets to be closed, those that came to nothing, too', () => {
    return !process.getActiveResourcesInfo().includes('UDPWrap')
  })
})

t.test('SSDP: a search finds the device, and it says goodbye', { skip: without('gssdp-discover') }, async t => {
  const discovery = await startDiscovery({ ...options, hdhomerun: 'off', ssdp: true }, deps)
  t.strictSame(discovery.how, { hdhomerun: false, ssdp: true })
  const name = (await run('ip', ['-o', 'link', 'show', 'up'])).stdout.match(/^\d+: (e[^:@]+)/m)?.[1] ?? 'lo'
  const type = 'urn:schemas-upnp-org:device:MediaServer:1'
  const { stdout } = await run('gssdp-discover', ['-i', name, '-t', type, '--timeout=4'])
  await discovery[Symbol.asyncDispose]()
  t.match(stdout, new RegExp(`uuid:${ids[0]!.toLowerCase()}`))
  t.match(stdout, /Location: http:\/\/[\d.]+:5004\/d1\/device\.xml/)
})
