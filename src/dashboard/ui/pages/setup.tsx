import { useEffect, useState } from 'preact/hooks'
import { act, type TriedAccount } from '../api.ts'
import { date, number, plural } from '../format.ts'
import { Act, Badge, Card, Copy, Figure, Page } from '../parts.tsx'
import { Progress } from '../progress.tsx'
import { doing, state } from '../store.ts'
import { SyncProgress } from '../sync-progress.tsx'
import './setup.css'

/** From an account at a provider to a mounted library, in three steps. */
export function Setup() {
  const [kind, setKind] = useState<'xtream' | 'm3u'>('xtream')
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [found, setFound] = useState<TriedAccount>()
  const [saved, setSaved] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const { isDemo, configFile } = state.value!.server
  // What had the focus goes with the demo.
  useEffect(() => {
    if (!isDemo && saved !== undefined) document.querySelector('h1')?.focus()
  }, [isDemo])
  if (!isDemo) return <YourLibrary />
  const tried = async (event: SubmitEvent) => {
    event.preventDefault()
    if (isBusy) return
    const form = Object.fromEntries(new FormData(event.currentTarget as HTMLFormElement)) as Record<string, string>
    setTyped(form)
    setBusy(true)
    setFound(undefined)
    await doing('The provider knows this account.', async () =>
      setFound(await act<TriedAccount>('POST', '/api/try-account', form)),
    )
    setBusy(false)
  }
  return (
    <Page
      title="Set up"
      lead="What you see is the built-in demo. Three steps lead to your provider’s films, shows and channels."
    >
      <div class="grid">
        <Card title="1. Your account" wide>
          <form class="form" onSubmit={event => void tried(event)}>
            <fieldset>
              <legend>What the provider gave you</legend>
              <label class="radio">
                <input
                  type="radio"
                  name="kind-of-account"
                  checked={kind === 'xtream'}
                  onChange={() => setKind('xtream')}
                />
                A server, a user name and a password
              </label>
              <label class="radio">
                <input type="radio" name="kind-of-account" checked={kind === 'm3u'} onChange={() => setKind('m3u')} />
                The address of a playlist (M3U)
              </label>
            </fieldset>
            {kind === 'xtream' ? (
              <>
                <label>
                  <span>Server</span>
                  <input
                    name="hosts"
                    type="text"
                    inputMode="url"
                    placeholder="http://provider.example:8080"
                    required
                    autocomplete="off"
                  />
                </label>
                <label>
                  <span>User name</span>
                  <input name="username" type="text" required autocomplete="off" />
                </label>
                <label>
                  <span>Password</span>
                  <input name="password" type="password" required autocomplete="off" />
                </label>
              </>
            ) : (
              <label>
                <span>Playlist</span>
                <input
                  name="playlist"
                  type="text"
                  inputMode="url"
                  placeholder="http://provider.example/get.php?…"
                  required
                  autocomplete="off"
                />
              </label>
            )}
            <button type="submit" class="button main" aria-disabled={isBusy}>
              {isBusy ? 'Signing in …' : 'Sign in to the provider'}
            </button>
          </form>
          {found !== undefined && (
            <div class="found" role="status">
              <p>
                <Badge tone="good">{found.state}</Badge> {found.host} knows this account.
              </p>
              <ul class="rows">
                {found.expiresAt !== undefined && (
                  <li>
                    <span>Until</span>
                    <span>{date(found.expiresAt)}</span>
                  </li>
                )}
                {found.maxConnections !== undefined && (
                  <li>
                    <span>At a time</span>
                    <span>{plural(found.maxConnections, 'connection')}</span>
                  </li>
                )}
                {Object.entries(found.categories).map(([part, count]) => (
                  <li key={part}>
                    <span>Categories of {part}</span>
                    <span>{number(count)}</span>
                  </li>
                ))}
              </ul>
            </div>
          )}
        </Card>
        <Card title="2. The configuration" wide>
          {found === undefined ? (
            <p class="empty">Sign in first; what to write comes from that.</p>
          ) : (
            <>
              <p>
                {found.file === undefined ? 'Write this into ' : 'Save this as '}
                <code>{found.file ?? configFile ?? 'reelport.yaml'}</code>, readable for its user only.
              </p>
              <Copy label="Configuration" text={found.yaml.trimEnd()} />
              {found.file !== undefined && saved === undefined && (
                <Act
                  label={`Save it as ${found.file}`}
                  kind="main"
                  done="Saved. The server starts with it."
                  action={async () => setSaved((await act<{ file: string }>('POST', '/api/save-account', typed)).file)}
                />
              )}
              {saved !== undefined && (
                <p role="status">
                  <Badge tone="good">saved</Badge> {saved}
                </p>
              )}
            </>
          )}
        </Card>
        <Card title="3. Your library" wide>
          {saved !== undefined ? (
            <Starting />
          ) : found !== undefined && found.file === undefined ? (
            <p>
              There is a configuration file already, and it is left alone: write the account into it, and start the
              server again. It reads its settings when it starts.
            </p>
          ) : (
            <p class="empty">
              Once the account is saved here, the server takes it by itself. What is saved by hand is read at the next
              start.
            </p>
          )}
        </Card>
      </div>
    </Page>
  )
}

/** The server ends the demo and starts with what was saved; this page hears of it when it comes back. */
function Starting() {
  return (
    <div class="progress line" role="status">
      <Progress label="Starting">
        The server starts with your account. If that takes more than a minute, it says why where it runs.
      </Progress>
    </div>
  )
}

/** An account is configured: what of it is here already, and how to mount it. */
function YourLibrary() {
  const { sync, catalog, mount } = state.value!
  const troubles = sync.reports.flatMap(({ accountId, sections }) =>
    sections.flatMap(({ section, message }) => (message === undefined ? [] : [`${accountId}, ${section}: ${message}`])),
  )
  const files = catalog.libraries.reduce((sum, library) => sum + library.files, 0)
  return (
    <Page title="Set up" lead="An account is configured. Others are added in the configuration file.">
      <div class="grid">
        <Card title="Your library" wide>
          <SyncProgress sync={sync} />
          {troubles.map(text => (
            <p key={text} class="reason">
              {text} <a href="#/checks">Check the account</a>
            </p>
          ))}
          <dl class="figures">
            <Figure label="Films" value={number(catalog.titles.movie)} />
            <Figure label="Shows" value={number(catalog.titles.show)} />
            <Figure label="Files here" value={number(files)} />
            <Figure label="Size not known yet" value={number(catalog.waiting)} />
          </dl>
          <p class="soft">Files appear as their sizes are learnt, the newest first; nothing has to be waited for.</p>
        </Card>
        <Card title="Mount it" aside="as root" wide>
          <Copy label="Mount command" text={mount.command} />
          <p>
            <a href="#/mount">At every start, in Kubernetes, and what comes then</a>
          </p>
        </Card>
      </div>
    </Page>
  )
}
