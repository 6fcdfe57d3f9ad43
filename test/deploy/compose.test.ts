import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { mountOptions } from '../../src/app/mounting.ts'
import { loadConfig } from '../../src/config/index.ts'
import { run, without } from '../lib/programs.ts'

const compose = fileURLToPath(new URL('../../deploy/compose', import.meta.url))
const skip = without('docker-compose')

t.test('nothing is given any rights, and only the tuner is open to others', { skip }, async t => {
  const { services } = await composed(t)
  t.same(Object.keys(services).sort(), ['plex', 'reelport'])
  for (const [name, service] of Object.entries(services)) {
    const more = ['privileged', 'cap_add', 'devices', 'network_mode', 'pid', 'userns_mode']
    t.same(
      more.filter(right => right in service),
      [],
      name,
    )
  }
  const { reelport } = services
  t.match(reelport, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] })
  t.same(reelport!.ports, ['127.0.0.1:2049:2049/tcp', { published: 5004, target: 5004 }])
})

t.test('Docker mounts the export as "reelport doctor" says, on whichever port', { skip }, async t => {
  for (const port of [2049, 12049]) {
    const { services, volumes } = await composed(t, port === 2049 ? {} : { NFS_PORT: String(port) })
    const o = ['addr=127.0.0.1', ...mountOptions(port)].join(',')
    t.same(volumes.media, { driver: 'local', driver_opts: { type: 'nfs', o, device: ':/' } })
    t.equal(services.reelport!.ports[0], `127.0.0.1:${port}:2049/tcp`)
  }
})

t.test('the example of an account is one that the program takes', async t => {
  const lines = readFileSync(join(compose, 'account.env.example'), 'utf8').split('\n')
  const env = Object.fromEntries(lines.filter(line => /^\w+=/.test(line)).map(line => line.split(/=(.*)/)))
  const { accounts, warnings } = loadConfig({ cwd: t.testdir({}), env })
  t.match(accounts, [{ id: 'main', type: 'xtream', hosts: ['http://provider.example:8080'] }])
  t.same(warnings, [])
})

interface Project {
  // biome-ignore lint/suspicious/noExplicitAny: what the schema of Compose allows, which has checked it
  readonly services: Readonly<Record<string, any>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** Both files together, as Compose understands them once it has checked them against its schema. */
async function composed(t: Test, env: Record<string, string> = {}): Promise<Project> {
  const directory = t.testdir({})
  cpSync(compose, directory, { recursive: true })
  cpSync(join(directory, 'account.env.example'), join(directory, 'account.env'))
  const files = ['compose.yaml', 'plex.yaml'].flatMap(file => ['-f', join(directory, file)])
  const { status, stdout, stderr } = await run('docker-compose', [...files, 'config'], { env })
  if (status !== 0) throw new Error(stderr)
  return parse(stdout) as Project
}
