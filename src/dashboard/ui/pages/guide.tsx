// biome-ignore-all lint/a11y/useSemanticElements: cells are as wide as programmes are long, which a table cannot do
import { useEffect, useRef, useState } from 'preact/hooks'
import { type Channel, get, type Programme } from '../api.ts'
import { clock, date } from '../format.ts'
import { Empty, Looking, Page, Pager, useAnswer } from '../parts.tsx'
import './guide.css'

const pageSize = 15
const hourMs = 3_600_000
const spanMs = 3 * hourMs
const stepMs = 1_800_000

interface Row {
  readonly channel: Channel
  readonly programmes: readonly Programme[]
}

/** What is on: channels down, time across. Arrow keys go from one programme to the next, and to the channels above and below. */
export function Guide() {
  const [start, setStart] = useState(() => Math.floor(Date.now() / stepMs) * stepMs)
  const [cursors, setCursors] = useState<readonly number[]>([])
  const after = cursors.at(-1) ?? 0
  const { value: rows, error } = useAnswer(signal => load(after, start, signal), [after, start])
  const [picked, setPicked] = useState<Programme>()
  const isLast = rows !== undefined && rows.length < pageSize
  const marks = Array.from({ length: spanMs / stepMs }, (_, at) => start + at * stepMs)
  return (
    <Page
      title="Guide"
      lead={`${date(start)}, ${clock(start)} to ${clock(start + spanMs)}`}
      tools={
        <div class="buttons">
          <button type="button" class="button" onClick={() => setStart(start - spanMs)}>
            ← Earlier
          </button>
          <button type="button" class="button" onClick={() => setStart(Math.floor(Date.now() / stepMs) * stepMs)}>
            Now
          </button>
          <button type="button" class="button" onClick={() => setStart(start + spanMs)}>
            Later →
          </button>
        </div>
      }
    >
      {error !== undefined && <Empty>{error}</Empty>}
      <div class="tall">
        {rows === undefined && error === undefined && <Looking />}
        {rows !== undefined && <Grid rows={rows} start={start} marks={marks} pick={setPicked} />}
        {rows?.length === 0 && <Empty>No channels.</Empty>}
      </div>
      <p class="programme" aria-live="polite">
        {picked === undefined ? (
          'Choose a programme to read about it.'
        ) : (
          <>
            <b>{picked.title}</b>
            {picked.subTitle !== undefined && ` – ${picked.subTitle}`} · {clock(picked.start)} to {clock(picked.stop)}
            {picked.episode !== undefined && ` · ${picked.episode}`}
            {picked.description !== undefined && (
              <>
                <br />
                {picked.description}
              </>
            )}
          </>
        )}
      </p>
      <Pager of="channels" cursors={cursors} isLast={isLast} next={rows?.at(-1)?.channel.id} go={setCursors} />
    </Page>
  )
}

async function load(after: number, start: number, signal: AbortSignal): Promise<readonly Row[]> {
  const channels = await get<readonly Channel[]>(`/api/channels?limit=${pageSize}&after=${after}`, signal)
  return await Promise.all(
    channels.map(async channel => ({
      channel,
      programmes: await get<readonly Programme[]>(
        `/api/channels/${channel.id}/programmes?from=${start}&to=${start + spanMs}`,
        signal,
      ),
    })),
  )
}

function Grid({
  rows,
  start,
  marks,
  pick,
}: {
  rows: readonly Row[]
  start: number
  marks: readonly number[]
  pick: (programme: Programme) => void
}) {
  const grid = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState('0-0')
  useEffect(() => setActive('0-0'), [rows])
  const now = Date.now()
  const share = (at: number) => Math.min(1, Math.max(0, (at - start) / spanMs)) * 100

  const move = (event: KeyboardEvent) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[data-cell]')
    if (cell === null) return
    const [row, column] = cell.dataset.cell!.split('-').map(Number) as [number, number]
    const near = (to: number, at: number) => grid.current!.querySelector<HTMLElement>(`[data-cell="${to}-${at}"]`)
    const below = (to: number) => {
      const target = rows[row]!.programmes[column]!.start
      const list = rows[to]?.programmes ?? []
      const at = list.findIndex(({ stop }) => stop > Math.max(target, start))
      return near(to, Math.max(0, at))
    }
    const moves: Readonly<Record<string, () => HTMLElement | null>> = {
      ArrowRight: () => near(row, column + 1),
      ArrowLeft: () => near(row, column - 1),
      ArrowDown: () => below(row + 1),
      ArrowUp: () => below(row - 1),
      Home: () => near(row, 0),
      End: () => near(row, rows[row]!.programmes.length - 1),
    }
    const next = moves[event.key]?.()
    if (next === undefined) return
    event.preventDefault()
    next?.focus()
  }

  return (
    <div class="guide-box">
      <div
        class="guide"
        role="grid"
        aria-label="Programmes by channel"
        aria-rowcount={rows.length + 1}
        ref={grid}
        onKeyDown={move}
        tabIndex={-1}
      >
        <div class="guide-row head" role="row" tabIndex={-1}>
          <div class="guide-channel" role="columnheader" tabIndex={-1}>
            Channel
          </div>
          <div class="guide-line">
            {marks.map(at => (
              <div key={at} class="mark" role="columnheader" tabIndex={-1} style={{ left: `${share(at)}%` }}>
                {clock(at)}
              </div>
            ))}
          </div>
        </div>
        {rows.map(({ channel, programmes }, row) => (
          <div key={channel.id} class="guide-row" role="row" tabIndex={-1}>
            <div class="guide-channel" role="rowheader" tabIndex={-1}>
              <b>{channel.number}</b> {channel.name}
            </div>
            <div class="guide-line">
              {programmes.map((programme, column) => {
                const [left, right] = [share(programme.start), share(programme.stop)]
                const name = `${row}-${column}`
                const isOn = programme.start <= now && now < programme.stop
                return (
                  <div
                    key={programme.start}
                    role="gridcell"
                    data-cell={name}
                    class={isOn ? 'cell on' : 'cell'}
                    tabIndex={active === name ? 0 : -1}
                    aria-label={`${programme.title}, ${clock(programme.start)} to ${clock(programme.stop)}${isOn ? ', on now' : ''}`}
                    style={{ left: `${left}%`, width: `${right - left}%` }}
                    onFocus={() => {
                      setActive(name)
                      pick(programme)
                    }}
                  >
                    <span>{programme.title}</span>
                  </div>
                )
              })}
              {programmes.length === 0 && (
                <div role="gridcell" tabIndex={-1} class="cell none">
                  No programmes
                </div>
              )}
            </div>
          </div>
        ))}
      </div>
    </div>
  )
}
