import { act, get, type Stream, type Title } from '../api.ts'
import { duration, moment, plural, size } from '../format.ts'
import { Act, Badge, Card, Empty, Looking, Page, Table, useAnswer } from '../parts.tsx'
import { Poster } from '../poster.tsx'
import { route } from '../route.ts'
import { state } from '../store.ts'
import { toneOf, wordOf } from './library.tsx'
import './title.css'

const formWords = {
  file: 'the provider’s file',
  instant: 'composed of segments as it is read',
  made: 'a finished file, made here',
} as const

/** One title: its versions or episodes, which of them are files, and why others are not. */
export function TitlePage() {
  const id = route.value.rest
  // What is made or measured changes it, so it is read again when these counts change, and every few seconds for what no count tells.
  const { measured, toMake, failed } = state.value!.catalog
  const { value: title, error } = useAnswer(
    signal => get<Title>(`/api/library/${id}`, signal),
    [id, measured, toMake, failed, state.value!.sample?.at],
  )
  if (error !== undefined)
    return (
      <Page title="Title">
        <Empty>{error}</Empty>
      </Page>
    )
  if (title === undefined)
    return (
      <Page title="Title">
        <Looking />
      </Page>
    )
  const { name, year, kind, streams } = title
  const length = title.runtimeMinutes === null ? undefined : duration(title.runtimeMinutes * 60_000)
  return (
    <Page
      title={year === null ? name : `${name} (${year})`}
      lead={kind === 'movie' ? plural(streams.length, 'version') : plural(streams.length, 'episode')}
      tools={
        <a class="button" href="#/library">
          All titles
        </a>
      }
    >
      <div class="about-title">
        <Poster key={title.id} id={title.id} name={name} hasPoster={title.hasPoster} alt={`Poster of ${name}`} />
        <div>
          <p class="soft">{[year, length, title.genres.join(', ')].filter(Boolean).join(' · ')}</p>
          <p>{title.plot ?? 'The provider says nothing about it.'}</p>
        </div>
      </div>
      <Card title={kind === 'movie' ? 'Versions' : 'Episodes'} wide>
        <Table caption={`Streams of ${name}`} head={['What', 'State', 'Size', 'Where', 'Actions']}>
          {streams.map(stream => (
            <StreamRow key={stream.variantId} stream={stream} />
          ))}
        </Table>
      </Card>
    </Page>
  )
}

function StreamRow({
  stream: {
    variantId,
    accountId,
    name,
    season,
    number,
    state,
    reason,
    streamReason,
    form,
    size: bytes,
    path,
    nextTryAt,
  },
}: {
  stream: Stream
}) {
  const label = season === null ? name : `s${two(season)}e${two(number ?? 0)} ${name}`
  const why = [reason, nextTryAt === null ? undefined : `next try ${moment(nextTryAt)}`].filter(Boolean).join('; ')
  return (
    <tr>
      <th scope="row">
        {label}
        <small>
          {accountId}
          {streamReason === null ? '' : ` · ${streamReason}`}
        </small>
      </th>
      <td class="words">
        <Badge tone={toneOf[state]}>{wordOf[state]}</Badge>
        <small>{why || (form === null ? '' : formWords[form])}</small>
      </td>
      <td>{bytes === null ? '' : size(bytes)}</td>
      <td class="words">{path === null ? '' : <code>{path}</code>}</td>
      <td>
        <div class="buttons">
          {(state === 'failed' || (state === 'published' && reason !== null)) && (
            <Act
              label="Measure again"
              name={`Measure again: ${label}`}
              done={`${label} is measured again.`}
              action={() => act('POST', '/api/measure', { variantIds: [variantId] })}
            />
          )}
          {form !== 'made' && state !== 'missing' && (
            <Act
              label={form === 'file' ? 'Bring it here' : 'Make a file'}
              name={form === 'file' ? `Bring it here: ${label}` : `Make a file: ${label}`}
              done={`${label} is in the queue.`}
              action={() => act('POST', '/api/queue/add', { variantIds: [variantId], where: 'top' })}
            />
          )}
        </div>
      </td>
    </tr>
  )
}

const two = (value: number) => String(value).padStart(2, '0')
