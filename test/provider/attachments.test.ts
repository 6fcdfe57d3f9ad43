import { isIPv4 } from 'node:net'
import t from 'tap'
import { isPrivateAddress } from '../../src/provider/private-address.ts'
import { errorOf, type Upstream, upstream, xtreamAccount } from './upstream.ts'

/** Pictures and subtitles: whom an account asks for them, with which connection, and how much it takes. */

const signal = new AbortController().signal
const ask = { priority: 'measure', signal } as const
const picture = Buffer.concat([Buffer.of(0xff, 0xd8, 0xff, 0xe0), Buffer.alloc(50_000, 7)])

const serving = (bytes = picture) => upstream((_, response) => response.end(bytes))
/** The same server by its name: another host than an account's that was given by its address. */
const byName = ({ port }: Upstream, path = '/a.jpg') => `http://localhost:${port}${path}`

t.test('a picture at the account’s own host takes a connection, and gives it back', async t => {
  let inUse = 0
  await using server = await upstream((_, response) => {
    inUse = account.slots.stats().inUse.measure
    response.end(picture)
  })
  await using account = xtreamAccount([server.url], { maxConnections: 1 })
  t.same(Buffer.from(await account.attachment(`${server.url}/a.jpg`, ask)), picture)
  t.equal(inUse, 1)
  t.equal(account.slots.stats().inUse.measure, 0)
})

t.test('one elsewhere takes none: it is had while all connections are in use', async t => {
  await using panel = await serving()
  await using images = await serving()
  await using account = xtreamAccount([panel.url], { maxConnections: 1, trustedHosts: ['localhost'] })
  await using _film = await account.open('movie/1.mkv', { from: 0 }, { priority: 'play', signal })
  t.same(Buffer.from(await account.attachment(byName(images), ask)), picture)
  t.equal(images.requests[0]?.headers.authorization, undefined)
  t.equal(account.slots.stats().inUse.play, 1, 'and the film still has it')
})

t.test('the login that was taken out of an address is put back for the request', async t => {
  await using server = await serving()
  await using account = xtreamAccount([server.url])
  await account.attachment(`${server.url}/{username}/{password}/a.jpg`, ask)
  t.match(server.requests[0]?.url, /secretname\/p%C3%A4ssword%26secretword\/a\.jpg$/)
})

t.test('private addresses are asked for nothing: written out, by name, or at the end of a redirect', async t => {
  await using inside = await serving()
  await using outside = await upstream((request, response) => {
    response.writeHead(302, { location: request.url?.slice(1) }).end()
  })
  await using account = xtreamAccount(['http://panel.invalid'], { trustedHosts: ['127.0.0.2'] })
  const direct = [
    `http://127.0.0.1:${inside.port}/a.jpg`,
    `http://[::1]:${inside.port}/a.jpg`,
    `http://[::ffff:127.0.0.1]:${inside.port}/a.jpg`,
    `http://2130706433:${inside.port}/a.jpg`,
    `http://0x7f.1:${inside.port}/a.jpg`,
    `http://169.254.169.254/latest/meta-data`,
    byName(inside),
  ]
  for (const address of direct) {
    const error = await errorOf(account.attachment(address, ask))
    t.match(error, { code: 'refused', permanent: true }, address)
    t.match(error.message, /private/)
  }
  t.equal(inside.requests.length, 0, 'not even a connection that asks')

  await using trusting = xtreamAccount([`http://127.0.0.1:${outside.port}`])
  const redirected = `http://127.0.0.1:${outside.port}/${byName(inside)}`
  t.match(await errorOf(trusting.attachment(redirected, ask)), { code: 'refused' })
  t.equal(outside.requests.length, 1)
  t.equal(inside.requests.length, 0)
})

t.test('what is too large, empty, or no answer is an error, and frees the connection', async t => {
  const large = 10 * 1024 ** 2 + 1
  await using server = await upstream((request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': large }).write('x')
    else if (request.url === '/endless') {
      const piece = Buffer.alloc(1024 ** 2)
      const more = () => void (response.writable && response.write(piece, more))
      more()
    } else if (request.url === '/empty') response.end()
    else response.writeHead(404).end()
  })
  await using account = xtreamAccount([server.url], { maxConnections: 1 })
  for (const [path, code] of [
    ['announced', 'not-media'],
    ['endless', 'not-media'],
    ['empty', 'not-media'],
    ['gone', 'gone'],
  ] as const) {
    t.match(await errorOf(account.attachment(`${server.url}/${path}`, ask)), { code }, path)
    t.equal(account.slots.stats().inUse.measure, 0, path)
  }
  t.match(await errorOf(account.attachment('movie/1.mkv', ask)), { code: 'malformed' }, 'a locator of something else')
})

t.test('an address is private unless it is one of the internet’s', async t => {
  const open = ['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '192.167.1.1', '2606:4700::1111', '2a00:1450::1']
  const closed = ['10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', '0.0.0.0', '224.0.0.1']
  const closed6 = ['::', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:a00::1']
  for (const address of open) t.notOk(isPrivateAddress(address), address)
  for (const address of [...closed, ...closed6, '255.255.255.255', '', 'example.com', '1.1.1']) {
    t.ok(isPrivateAddress(address), address)
  }
  t.ok(closed.every(isIPv4))
})
