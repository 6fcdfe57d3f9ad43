import fc from 'fast-check'
import { SaxesParser } from 'saxes'
import t from 'tap'
import { formatOnscreen, formatXmltvNs, parseOnscreen, parseXmltvNs } from '../../src/guide/write/episodes.ts'
import { channelText, programmeText } from '../../src/guide/write/guide-text.ts'
import { programmeContent } from '../../src/guide/write/programme.ts'
import { channel, noon, readAll } from './guides.ts'

/** What is written of a programme with this content. */
async function written(content: string): Promise<string | undefined> {
  const { programmes } = await readAll(`<tv><programme start="20260519120000" channel="a">${content}</programme></tv>`)
  return programmeContent(programmes[0]!.element, noon)
}
const title = '<title>T</title>'
const after = async (content: string) => (await written(title + content))?.replace(title, '')

t.test('numbers of episodes are made of each other', async t => {
  const onscreen = (text: string) => `<episode-num system="onscreen">${text}</episode-num>`
  const ns = (text: string) => `<episode-num system="xmltv_ns">${text}</episode-num>`
  const series = '<category>Series</category>'
  t.equal(await after(onscreen('S02E05')), series + onscreen('S02E05') + ns('1.4.'))
  t.equal(await after(ns('1.4.')), series + onscreen('S02E05') + ns('1.4.'), 'xmltv_ns counts from zero')
  t.equal(await after(ns(' 1 / 3 . 4/10 . 0/2 ')), series + onscreen('S02E05') + ns('1 / 3 . 4/10 . 0/2'))
  t.equal(await after(ns('.11.')), series + onscreen('E12') + ns('.11.'), 'without a season')
  t.equal(await after(onscreen('S00E03')), series + onscreen('S00E03'), 'specials have no number that counts from zero')
  t.equal(await after(ns('-1.3.') + onscreen('S00E04')), series + onscreen('S00E04'), 'and none below it')
  t.equal(await after('<episode-num>2x05</episode-num>'), `${series}<episode-num>2x05</episode-num>${ns('1.4.')}`)
  const other = '<episode-num system="dd_progid">EP01.0001</episode-num>'
  t.equal(await after(other), other, 'others are kept')
  t.equal(
    await after(`<sub-title>The one</sub-title>`),
    '<sub-title>The one</sub-title><episode-num system="original-air-date">2026-05-19 12:00:00</episode-num>',
    'an episode without a number is told from others by its time',
  )
  t.match(await after(`<category>Series</category><date>20260401</date>`), /original-air-date">2026-04-01 00:00:00</)
  t.notMatch(await after('<category>News</category><sub-title>Late</sub-title>'), /episode-num/)
})

t.test('any number that is written is read as itself', async t => {
  fc.assert(
    fc.property(fc.option(fc.nat(999), { nil: undefined }), fc.nat(9999), (season, episode) => {
      const onscreen = parseOnscreen(formatOnscreen({ season, episode }))
      const ns = formatXmltvNs({ season, episode })
      const back = ns === undefined ? undefined : parseXmltvNs(ns)
      const same = (found: typeof back) => found?.season === season && found?.episode === episode
      return same(onscreen) && (ns === undefined ? season === 0 || episode === 0 : same(back))
    }),
    { seed: 5 },
  )
  t.pass('looked')
})

t.test('only what media servers can use is written, in the order of the DTD', async t => {
  t.equal(
    await written(
      '<new/><icon src="http://a/b?c&amp;d"/><category>Drama</category><desc>D</desc><title lang="de">T</title>',
    ),
    '<title lang="de">T</title><desc>D</desc><category>Drama</category><icon src="http://a/b?c&amp;d"/><new/>',
  )
  t.equal(await after('<live/><lcn>5</lcn><video><hdr/></video><credits/>'), '', 'what the DTD does not know')
  t.equal(await after('<icon src="file:///etc/passwd"/><icon src="/logo.png"/><icon/>'), '', 'icons of nowhere')
  t.equal(await after('<new/><previously-shown/>'), '<new/>', 'never new and shown before')
  t.equal(await after('<previously-shown start="20200101"/>'), '<previously-shown/>')
  t.equal(
    await after('<category>Drama</category><category lang="en">Film</category>'),
    '<category>Movie</category><category>Drama</category><category lang="en">Film</category>',
  )
  t.equal(
    await after('<category>drama</category><category>movie</category>'),
    '<category>Movie</category><category>drama</category>',
  )
  t.equal(await after('<date>2022-04-01 10:00</date>'), '<date>20220401</date>')
  t.equal(
    await after('<rating><value> </value></rating><star-rating><value>4/5</value></star-rating>'),
    '<star-rating><value>4/5</value></star-rating>',
  )
  t.equal(await written('<title> </title><desc>D</desc>'), undefined, 'nothing without a title')
  const long = (await written(`<title>${'😀'.repeat(300)}</title>`))!.replace(/<[^>]+>/g, '')
  t.ok(long.length <= 255 && long.isWellFormed() && long.endsWith('…'), 'titles that are too long are cut')
})

t.test('texts and attributes come back as they were, but for what XML cannot hold', async t => {
  const twice = /&(amp|lt|gt|apos|quot);/ // what is escaped twice is written as if it had been once
  const meant = (text: string) =>
    [...text]
      .filter(one => /[\t\n\r]/.test(one) || !/[\p{Cc}\p{Cs}\ufffe\uffff]/u.test(one))
      .join('')
      .replace(/\s+/g, ' ')
      .trim()
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom(...'&<>"\'\t\n;]'), fc.string({ unit: 'binary', maxLength: 1 })),
  })
  fc.assert(
    fc.property(text, text, (text, attribute) => {
      if (twice.test(text + attribute) || meant(text).length > 255 || meant(attribute).length > 255) return true
      const element = { name: 'title', text, attributes: { lang: attribute }, children: [] }
      const content = programmeContent({ name: 'programme', text: '', attributes: {}, children: [element] }, noon)
      if (content === undefined) return meant(text) === ''
      const parser = new SaxesParser()
      let read = ''
      let lang = ''
      parser.on('text', part => {
        read += part
      })
      parser.on('opentag', ({ attributes }) => {
        lang += (attributes as Record<string, string>).lang ?? ''
      })
      parser.write(`<p>${content}</p>`).close() // throws at what is not well-formed
      return read === meant(text) && lang === meant(attribute)
    }),
    { seed: 6, numRuns: 1000 },
  )
  t.pass('looked')
})

t.test('channels and times are written as media servers match them', async t => {
  t.equal(
    channelText(channel(7, 'A & B', { logo: 'https://x/y.png', guideId: 'B"C' })),
    '<channel id="B&quot;C"><display-name>1007 A &amp; B</display-name><display-name>1007</display-name><display-name>A &amp; B</display-name><icon src="https://x/y.png"/></channel>\n',
  )
  t.equal(
    programmeText('B"<C')({ start: noon, stop: noon + 1000, content: title }),
    `<programme start="20260519120000 +0000" stop="20260519120001 +0000" channel="B&quot;&lt;C">${title}</programme>\n`,
  )
})
