import { moment, number, plural } from '../format.ts'
import { Badge, Card, Copy, Empty, Page } from '../parts.tsx'
import { state } from '../store.ts'

/** Plex servers that are set up and watched. */
export function Plex() {
  const { plex } = state.value!
  return (
    <Page title="Plex" lead="Tuners, guides and libraries of Plex servers, kept as they should be.">
      {plex.length === 0 ? (
        <Card title="No server is configured" wide>
          <p>
            With <code>plex.url</code> and <code>plex.mount</code> in the configuration, this sets a server up and keeps
            it so:
          </p>
          <Copy label="Command that sets Plex up" text="reelport plex setup" />
        </Card>
      ) : (
        <div class="grid">
          {plex.map(({ name, host, isSetUp, server, lookedAt, isWell, problems, advice, tuners, repairs }) => (
            <Card key={name} title={server?.name ?? name} aside={host} wide>
              <p>
                <Badge tone={isWell === undefined ? 'calm' : isWell ? 'good' : 'bad'}>
                  {isWell === undefined ? 'not looked at yet' : isWell ? 'as it should be' : 'not as it should be'}
                </Badge>{' '}
                <span class="soft">
                  {server !== undefined && `Plex ${server.version} · `}
                  {lookedAt === undefined ? '' : `looked at ${moment(lookedAt)} · `}
                  {isSetUp ? 'watched' : 'not set up'} · {plural(repairs, 'repair')}
                </span>
              </p>
              {problems.map(problem => (
                <p key={problem} class="reason">
                  {problem}
                </p>
              ))}
              {advice.map(text => (
                <p key={text} class="soft">
                  {text}
                </p>
              ))}
              <ul class="rows">
                {tuners.map(tuner => (
                  <li key={tuner.name}>
                    <span>{tuner.name}</span>
                    <span>
                      {number(tuner.mapped)} of {number(tuner.channels)} channels mapped
                    </span>
                  </li>
                ))}
              </ul>
              {tuners.length === 0 && <Empty>No tuner of ours is there.</Empty>}
            </Card>
          ))}
        </div>
      )}
    </Page>
  )
}
