import t from 'tap'
import { readAliases } from '../../src/guide/aliases.ts'
import { linker } from '../../src/guide/link.ts'
import type { GuideChannel } from '../../src/guide/ports.ts'
import { channel } from './guides.ts'

const source = (channels: Record<string, string[]>, name = 'epg') => ({
  name,
  channels: Object.entries(channels).map(([key, names], id) => ({ id, key, names })),
})
const epg = source({
  'bbc1.uk': ['BBC One', 'BBC 1'],
  'BBC2.uk': ['BBC Two'],
  'tf1.fr': ['TF1'],
  'rtl.de': ['RTL'],
  'rtl.nl': ['RTL NL'],
  'rtl.hu': ['RTL HD'],
  'e4.uk': ['E4'],
  'e4p1.uk': ['E4 +1'],
  'tele.fr': ['Télé Monte-Carlo'],
  'espn.us': ['ESPN'],
})
const named = (name: string, more: Partial<GuideChannel> = {}) => channel(1, name, more)
const ids = (...list: string[]): Partial<GuideChannel> => ({ hints: { ids: list, names: [] } })

t.test('a channel is found by what people said, by id, and by name, in this order', async t => {
  const links = linker([epg], { '1001': 'tf1.fr', 'Weird Name': 'rtl.de' })
  const found = (one: GuideChannel) => links.link(one).map(({ by, key }) => [by, key])
  t.same(found(named('BBC One')), [['alias', 'tf1.fr']], 'its number has an alias')
  t.same(found({ ...named('WEIRD  name'), number: '7' }), [['alias', 'rtl.de']], 'its name has an alias')

  const plain = linker([epg], { 'bbc one': 'nowhere' })
  const by = (one: GuideChannel) => plain.link(one).map(({ by, key }) => [by, key])
  t.same(by(named('BBC One', ids('BBC2.uk'))), [['id', 'BBC2.uk']], 'ids go before names')
  t.same(by(named('x', ids('bbc2.UK'))), [['id', 'BBC2.uk']], 'in any case')
  t.same(by(named('x', ids('unknown', 'tf1.fr'))), [['id', 'tf1.fr']], 'the first that is there')
  t.same(by(named('BBC One')), [['name', 'bbc1.uk']], 'an alias that leads nowhere stops nothing')
  t.same(by(named('BBC ONE HD')), [['name', 'bbc1.uk']], 'without what says how it is sent')
  t.same(by(named('TELE MONTE CARLO')), [['name', 'tele.fr']], 'without accents and signs')
  t.same(by(named('ESPN US')), [['name', 'espn.us']], 'without a region, if nothing else will do')
  t.same(by(named('E4')), [['name', 'e4.uk']])
  t.same(by(named('E4 +1')), [['name', 'e4p1.uk']], 'an hour later is another channel')
  t.same(by(named('RTL')), [['name', 'rtl.de']], 'the very name')
  t.same(
    by(named('x', { hints: { ids: [], names: ['UK: BBC Two FHD'] } })),
    [['name', 'BBC2.uk']],
    "the provider's words",
  )
})

t.test('a name that several channels have links none of them, and is suggested', async t => {
  const links = linker([source({ 'one.uk': ['Sky One'], 'one.de': ['SKY ONE'], 'two.de': ['Sky Two'] })], {})
  t.same(links.link(named('Sky One HD')), [])
  t.match(links.suggest(named('Sky One')), [
    { source: 'epg', key: 'one.uk', name: 'Sky One', score: 1 },
    { key: 'one.de', score: 1 },
    { key: 'two.de' },
  ])
  t.same(links.suggest(named('Discovery Turbo')), [], 'what is not alike is not suggested')
})

t.test('each source is searched for itself', async t => {
  const links = linker([epg, source({ BBC1: ['BBC 1'] }, 'other')], {})
  t.match(links.link(named('BBC 1')), [
    { source: 'epg', key: 'bbc1.uk' },
    { source: 'other', key: 'BBC1' },
  ])
})

t.test('aliases are lines of a channel and an id', async t => {
  t.same(readAliases({ 1001: 'bbc1.uk', 'TF 1': 42 }), { 1001: 'bbc1.uk', 'TF 1': '42' })
  t.same(readAliases(null), {}, 'an empty file')
  for (const wrong of [[], 'text', { a: { b: 'c' } }, { a: '' }]) {
    t.throws(() => readAliases(wrong), { name: 'GuideError', code: 'malformed' })
  }
})
