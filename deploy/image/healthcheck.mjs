// Ends with 0 while the server of this container says that it is well, wherever it was told to listen. For HEALTHCHECK.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'

const data = process.env.REELPORT_DATA
const request = get(`${httpUrl()}/healthz`, { timeout: 4_000 }, answer =>
  process.exit(answer.statusCode === 200 ? 0 : 1),
)
request.on('error', () => process.exit(1))
request.on('timeout', () => process.exit(1))

/** From the server's own note; the demo provider's is beside it. */
function httpUrl() {
  for (const directory of [data, join(data, 'demo')]) {
    try {
      return JSON.parse(readFileSync(join(directory, 'instance.json'), 'utf8')).httpUrl
    } catch {} // not here
  }
  process.exit(1) // none runs yet
}
