import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { act, get, signIn } from './api.ts'
import { Channels } from './pages/channels.tsx'
import { ChecksPage } from './pages/checks.tsx'
import { Guide } from './pages/guide.tsx'
import { Library } from './pages/library.tsx'
import { Live } from './pages/live.tsx'
import { Logs } from './pages/logs.tsx'
import { Mount } from './pages/mount.tsx'
import { NfsPage } from './pages/nfs.tsx'
import { Overview } from './pages/overview.tsx'
import { Plex } from './pages/plex.tsx'
import { Queue } from './pages/queue.tsx'
import { Setup } from './pages/setup.tsx'
import { SyncPage } from './pages/sync.tsx'
import { TitlePage } from './pages/title.tsx'
import { Page } from './parts.tsx'
import { route } from './route.ts'
import { doing, isConnected, said, say, state } from './store.ts'
import './app.css'

interface Entry {
  readonly label: string
  readonly page: ComponentType
  /** Not in the menu. */
  readonly isHidden?: boolean
}

const pages: Readonly<Record<string, Entry>> = {
  overview: { label: 'Overview', page: Overview },
  library: { label: 'Library', page: Library },
  title: { label: 'Title', page: TitlePage, isHidden: true },
  queue: { label: 'Queue', page: Queue },
  channels: { label: 'Channels', page: Channels },
  guide: { label: 'Guide', page: Guide },
  live: { label: 'Watching now', page: Live },
  sync: { label: 'Sync', page: SyncPage },
  nfs: { label: 'NFS', page: NfsPage },
  plex: { label: 'Plex', page: Plex },
  mount: { label: 'Mount', page: Mount },
  checks: { label: 'Checks', page: ChecksPage },
  logs: { label: 'Log', page: Logs },
  setup: { label: 'Set up', page: Setup },
}

export function App() {
  const { page } = route.value
  const Shown = pages[page]?.page ?? Nowhere
  const main = useRef<HTMLElement>(null)
  const isFirst = useRef(true)
  const [isOpen, setOpen] = useState(false)
  // A new page begins at its top, for eyes and for screen readers.
  useEffect(() => {
    setOpen(false)
    if (!isFirst.current) {
      say('')
      scrollTo(0, 0)
      main.current?.querySelector('h1')?.focus()
    }
    isFirst.current = false
  }, [page, route.value.rest])

  return (
    <div class="frame">
      <a
        class="skip"
        href={location.hash || '#/overview'}
        onClick={event => {
          event.preventDefault()
          main.current?.querySelector('h1')?.focus()
        }}
      >
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href="#/overview">
          <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M9 8h11a5 5 0 0 1 1.2 9.86L24 24h-4l-2.6-6H13v6H9zm4 3.4v3.4h6.4a1.7 1.7 0 0 0 0-3.4z" />
          </svg>
          reelport
        </a>
        <button
          type="button"
          class="button menu"
          aria-expanded={isOpen}
          aria-controls="menu"
          onClick={() => setOpen(!isOpen)}
        >
          Menu
        </button>
        <nav id="menu" class={isOpen ? 'open' : ''} aria-label="Pages">
          <ul>
            {Object.entries(pages).map(([name, { label, isHidden }]) =>
              isHidden || (name === 'setup' && state.value?.server.isDemo === false) ? null : (
                <li key={name}>
                  <a
                    href={`#/${name}`}
                    aria-current={name === page || (page === 'title' && name === 'library') ? 'page' : undefined}
                  >
                    {label}
                    <Count of={name} />
                  </a>
                </li>
              ),
            )}
            <SignOut />
          </ul>
        </nav>
        <p class={isConnected.value ? 'link on' : 'link'}>{isConnected.value ? 'Live' : 'Connecting …'}</p>
      </header>
      <main ref={main}>{state.value === undefined && page !== 'library' ? <Loading /> : <Shown />}</main>
      <p class={said.value.isWrong ? 'said wrong' : 'said'} role="status">
        {said.value.text}
      </p>
    </div>
  )
}

/** For who came in with a password. */
function SignOut() {
  const [isSignedIn, setSignedIn] = useState(false)
  useEffect(() => {
    void get<{ readonly by: string | null }>('/api/session').then(
      ({ by }) => setSignedIn(by === 'session'),
      () => {}, // the page says elsewhere that the server does not answer
    )
  }, [])
  if (!isSignedIn) return null
  return (
    <li>
      <button
        type="button"
        onClick={() => void doing('Signed out.', () => act('DELETE', '/api/session')).then(isOut => isOut && signIn())}
      >
        Sign out
      </button>
    </li>
  )
}

/** What a menu entry has for who looks. */
function Count({ of }: { of: string }) {
  const now = state.value
  const counts: Readonly<Record<string, number | undefined>> = {
    queue:
      now && now.queue.states.running + now.queue.states.waiting + now.queue.states.failed + now.queue.states.paused,
    live: now?.live?.sessions.reduce((sum, { viewers }) => sum + viewers.length, 0),
    nfs: now?.nfs.clients.length,
  }
  const count = counts[of] ?? 0
  return count > 0 ? <span class="count">{count}</span> : null
}

function Loading() {
  return (
    <Page title="Loading …">
      <p class="empty tall">Asking the server.</p>
    </Page>
  )
}

function Nowhere() {
  return (
    <Page title="Not here">
      <p class="empty">
        There is no such page. <a href="#/overview">To the overview</a>
      </p>
    </Page>
  )
}
