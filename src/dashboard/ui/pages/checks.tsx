import { useState } from 'preact/hooks'
import { act, type Checks } from '../api.ts'
import { Act, Badge, Card, Empty, Page, type Tone } from '../parts.tsx'
import { state } from '../store.ts'
import './checks.css'

const tones = { ok: 'good', warning: 'busy', failed: 'bad' } satisfies Record<Checks['checks'][number]['result'], Tone>
const words = { ok: 'well', warning: 'note', failed: 'failed' } as const

/** Tests account, ffmpeg, directories and ports, as `reelport doctor` does. */
export function ChecksPage() {
  const [found, setFound] = useState<Checks>()
  const { configFile } = state.value!.server
  return (
    <Page
      title="Checks"
      lead={
        configFile === undefined
          ? 'No configuration file was read: settings are from the environment, the command line and defaults.'
          : `The configuration is ${configFile}.`
      }
      tools={
        <Act
          label="Check now"
          kind="main"
          done="Everything was checked."
          action={async () => setFound(await act<Checks>('POST', '/api/checks', {}))}
        />
      }
    >
      {found === undefined ? (
        <Empty>
          Checking signs in to the provider once, and tries ffmpeg, the directories and the ports. Nothing is changed.
        </Empty>
      ) : (
        <Card title="What was found" wide>
          <ul class="checks">
            {found.checks.map(({ name, result, detail, hint }) => (
              <li key={name}>
                <Badge tone={tones[result]}>{words[result]}</Badge>
                <div>
                  <b>{name}</b>
                  <p>{detail}</p>
                  {hint !== undefined && <p class="reason">{hint}.</p>}
                </div>
              </li>
            ))}
            {found.warnings.map(({ where, message, hint }) => (
              <li key={`${where} ${message}`}>
                <Badge tone="busy">note</Badge>
                <div>
                  <b>{where}</b>
                  <p>{message}</p>
                  {hint !== undefined && <p class="reason">{hint}.</p>}
                </div>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </Page>
  )
}
