import { useEffect, useState } from 'preact/hooks'
import { get, type ListedTitle, type MissingStream, type StreamState } from '../api.ts'
import { moment, plural } from '../format.ts'
import { Badge, Empty, Looking, Page, Pager, Search, Table, type Tone, useAnswer } from '../parts.tsx'
import { Poster } from '../poster.tsx'
import { refine, route } from '../route.ts'
import { state } from '../store.ts'
import './library.css'

const pageSize = 48
const letters = ['0', ...'abcdefghijklmnopqrstuvwxyz']

export const toneOf: Readonly<Record<StreamState, Tone>> = {
  published: 'good',
  waiting: 'busy',
  'to-make': 'busy',
  failed: 'bad',
  missing: 'bad',
  hidden: 'calm',
}

export const wordOf: Readonly<Record<StreamState, string>> = {
  published: 'here',
  waiting: 'size not known yet',
  'to-make': 'to be made',
  failed: 'not readable',
  missing: 'no longer offered',
  hidden: 'in no library',
}

/** Titles, a page at a time; and those that are not there, with the reason. */
export function Library() {
  const { rest, query } = route.value
  const titles = state.value?.catalog.titles
  const problems = rest === 'problems'
  return (
    <Page
      title="Library"
      lead={
        titles === undefined ? 'Films and shows' : `${plural(titles.movie, 'film')} and ${plural(titles.show, 'show')}`
      }
      tools={
        <nav class="tabs" aria-label="What of the library">
          <a href="#/library" aria-current={problems ? undefined : 'page'}>
            Titles
          </a>
          <a href="#/library/problems" aria-current={problems ? 'page' : undefined}>
            Not there yet
          </a>
        </nav>
      }
    >
      {problems ? <Problems /> : <Titles key={query.get('kind') ?? ''} />}
    </Page>
  )
}

function Titles() {
  const { query } = route.value
  const [q, kind, from] = [query.get('q') ?? '', query.get('kind') ?? '', query.get('from') ?? '']
  // Cursors of the pages before this one: one goes back the way one came.
  const [cursors, setCursors] = useState<readonly string[]>([])
  const after = cursors.at(-1)
  useEffect(() => setCursors([]), [q, kind, from])
  const asked = new URLSearchParams({ q, limit: String(pageSize) })
  if (kind !== '') asked.set('kind', kind)
  if (from !== '') asked.set('from', from)
  if (after !== undefined) asked.set('after', after)
  const { value: titles, error } = useAnswer(
    signal => get<readonly ListedTitle[]>(`/api/library?${asked}`, signal),
    [`${asked}`],
  )
  const change = (what: Record<string, string>) => refine({ q, kind, from, ...what })
  const isLast = titles !== undefined && titles.length < pageSize

  return (
    <>
      <search class="filters">
        <Search placeholder="Part of a title" value={q} search={text => change({ q: text })} />
        <label>
          <span>Show</span>
          <select value={kind} onChange={({ currentTarget: { value } }) => change({ kind: value })}>
            <option value="">Films and shows</option>
            <option value="movie">Films</option>
            <option value="show">Shows</option>
          </select>
        </label>
        <label>
          <span>From letter</span>
          <select value={from} onChange={({ currentTarget: { value } }) => change({ from: value })}>
            <option value="">The beginning</option>
            {letters.map(letter => (
              <option key={letter} value={letter}>
                {letter.toUpperCase()}
              </option>
            ))}
          </select>
        </label>
      </search>
      <div class="tall">
        {error !== undefined && <Empty>{error}</Empty>}
        {titles === undefined && error === undefined && <Looking />}
        {titles?.length === 0 && <Empty>{q === '' ? 'Nothing is here.' : `No title has “${q}” in it.`}</Empty>}
        <ul class="shelf">
          {titles?.map(title => (
            <Shelved key={title.id} title={title} />
          ))}
        </ul>
      </div>
      <Pager of="titles" cursors={cursors} isLast={isLast} next={titles?.at(-1)?.cursor} go={setCursors} />
    </>
  )
}

function Shelved({ title: { id, kind, name, year, states, hasPoster } }: { title: ListedTitle }) {
  const all = Object.values(states).reduce((sum, count) => sum + count, 0)
  const here = states.published ?? 0
  const [other] = (Object.keys(states) as StreamState[]).filter(name => name !== 'published')
  return (
    <li>
      <a href={`#/title/${id}`}>
        <Poster id={id} name={name} hasPoster={hasPoster} alt="" />
        <span class="name">{name}</span>
        <span class="soft">{[year, kind === 'show' && plural(all, 'episode')].filter(Boolean).join(' · ')}</span>
        {here === all && all > 0 ? null : (
          <Badge tone={here > 0 ? 'busy' : other === undefined ? 'calm' : toneOf[other]}>
            {here > 0 ? `${here} of ${all} here` : other === undefined ? 'no streams' : wordOf[other]}
          </Badge>
        )}
      </a>
    </li>
  )
}

function Problems() {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const asked = new URLSearchParams({ limit: String(pageSize) })
  const after = cursors.at(-1)
  if (after !== undefined) asked.set('after', after)
  const { value: found, error } = useAnswer(
    signal => get<readonly MissingStream[]>(`/api/problems?${asked}`, signal),
    [`${asked}`],
  )
  if (error !== undefined) return <Empty>{error}</Empty>
  if (found === undefined) return <Looking />
  if (found.length === 0 && cursors.length === 0)
    return <Empty>Everything that the provider offers could be read.</Empty>
  const isLast = found.length < pageSize
  return (
    <>
      <Table caption="What is not there, and why" head={['What', 'Account', 'Why', 'Since', 'Next try']}>
        {found.map(({ cursor, name, titleId, accountId, reason, since, nextTryAt }) => (
          <tr key={cursor}>
            <th scope="row">{titleId === null ? name : <a href={`#/title/${titleId}`}>{name}</a>}</th>
            <td>{accountId}</td>
            <td class="words">{reason}</td>
            <td>{moment(since)}</td>
            <td>{nextTryAt === null ? 'at the next sync' : moment(nextTryAt)}</td>
          </tr>
        ))}
      </Table>
      <Pager of="problems" cursors={cursors} isLast={isLast} next={found.at(-1)?.cursor} go={setCursors} />
    </>
  )
}
