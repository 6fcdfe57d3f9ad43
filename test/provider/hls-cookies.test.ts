import fc from 'fast-check'
import t from 'tap'
import { CookieJar } from '../../src/provider/hls/cookies.ts'

const at = (url: string) => new URL(url)

t.test('a cookie goes to the host that set it, or to its domain, and a Secure one not in the clear', async t => {
  const jar = new CookieJar()
  jar.take(at('https://api.tv.example/x'), [
    'own=1; Path=/x; HttpOnly',
    'all=2; Domain=.tv.example; Expires=Wed, 09 Jun 2100 10:18:14 GMT',
    'safe=3; Secure',
    'foreign=4; Domain=other.example',
    'below=5; Domain=deep.api.tv.example',
    'top=6; Domain=example',
    'spaced = a b',
    'rubbish',
    '=7',
    '',
  ])
  const table: [url: string, cookies: string | undefined][] = [
    ['https://api.tv.example/', 'own=1; all=2; safe=3; spaced=a b'],
    ['http://api.tv.example:8080/y', 'own=1; all=2; spaced=a b'],
    ['http://cdn.tv.example/', 'all=2'],
    ['http://tv.example/', 'all=2'],
    ['http://nottv.example/', undefined],
    ['http://other.example/', undefined],
    ['http://deep.api.tv.example/', 'all=2'],
    ['http://example/', undefined],
  ]
  for (const [url, cookies] of table) t.equal(jar.for(at(url)), cookies, url)
})

t.test('a later one of the same name takes its place; Max-Age=0 takes it away', async t => {
  const jar = new CookieJar()
  jar.take(at('http://h/'), ['a=1', 'b=2'])
  jar.take(at('http://h/'), ['a=3'])
  t.equal(jar.for(at('http://h/')), 'a=3; b=2')
  jar.take(at('http://h/'), ['a=; Max-Age=0', 'b=; max-age=-1'])
  t.equal(jar.for(at('http://h/')), undefined)
})

t.test('whatever servers send, a header stays one line and has a limit', async t => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.string(), fc.string()).map(([name, value]) => `${name}=${value}`),
  )
  fc.assert(
    fc.property(fc.array(header, { maxLength: 20 }), headers => {
      const jar = new CookieJar()
      jar.take(at('http://h/'), headers)
      return !/[\r\n]/.test(jar.for(at('http://h/')) ?? '')
    }),
  )
  const jar = new CookieJar()
  jar.take(
    at('http://h/'),
    Array.from({ length: 1000 }, (_, n) => `c${n}=${'x'.repeat(n === 0 ? 9999 : 9)}`),
  )
  t.equal(jar.for(at('http://h/'))!.split('; ').length, 100)
  t.notMatch(jar.for(at('http://h/'))!, /^c0=/)
})
