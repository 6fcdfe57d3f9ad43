import { useState } from 'preact/hooks'
import { act, type TriedAccount } from '../api.ts'
import { date, number, plural } from '../format.ts'
import { Act, Badge, Card, Copy, Page } from '../parts.tsx'
import { doing, state } from '../store.ts'

/** From an account at a provider to a mounted library, in three steps. */
export function Setup() {
  const [kind, setKind] = useState<'xtream' | 'm3u'>('xtream')
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [found, setFound] = useState<TriedAccount>()
  const [saved, setSaved] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  if (!state.value!.server.isDemo) {
    return (
      <Page title="Set up">
        <p class="empty">An account is configured. Others are added in the configuration file.</p>
      </Page>
    )
  }
  const tried = async (event: SubmitEvent) => {
    event.preventDefault()
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
                />{' '}
                A server, a user name and a password
              </label>
              <label class="radio">
                <input type="radio" name="kind-of-account" checked={kind === 'm3u'} onChange={() => setKind('m3u')} />{' '}
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
                Save this as <code>{found.file ?? 'reelport.yaml'}</code>, readable for its user only.
              </p>
              <Copy label="Configuration" text={found.yaml.trimEnd()} />
              {found.file !== undefined && saved === undefined && (
                <Act
                  label={`Save it as ${found.file}`}
                  kind="main"
                  done="Saved."
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
        <Card title="3. Start again, and mount" wide>
          <p>
            Settings are read at the start: stop this server and start it again. Its first sync begins at once, and
            files appear as their sizes are learnt.
          </p>
          <p>
            <a href="#/mount">How to mount it</a>
          </p>
        </Card>
      </div>
    </Page>
  )
}
