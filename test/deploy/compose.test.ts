import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { mountOptions } from '../../src/app/mounting.ts'
import { loadConfig } from '../../src/config/index.ts'
import { run } from '../lib/programs.ts'

const compose = fileURLToPath(new URL('../../deploy/compose', import.meta.url))
/** Docker's own, which asks no engine for what the tests do: the same version everywhere. */
const program = fileURLToPath(new URL('../../tools/compose/bin/docker-compose', import.meta.url))
const skip = !existsSync(program) && 'no Compose in tools/compose (npm run compose-tool fetches it)'

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
  t.match(reelport!.ports, [
    { host_ip: '127.0.0.1', published: '2049', target: 2049, protocol: 'tcp' },
    { host_ip: undefined, published: '5004', target: 5004, protocol: 'tcp' },
  ])
  t.match(services.plex!.volumes, [{ target: '/config' }, { source: 'media', target: '/media', read_only: true }])
})

t.test('Docker mounts the export as "reelport doctor" says, on whichever port', { skip }, async t => {
  for (const port of [2049, 12049]) {
    const { services, volumes } = await composed(t, port === 2049 ? {} : { NFS_PORT: String(port) })
    const o = ['addr=127.0.0.1', ...mountOptions(port)].join(',')
    t.match(volumes.media, { driver: 'local', driver_opts: { type: 'nfs', o, device: ':/' } })
    t.match(services.reelport!.ports[0], { host_ip: '127.0.0.1', published: String(port), target: 2049 })
  }
})

t.test('the example of an account is one that the program takes, whatever the password', { skip }, async t => {
  const password = 'pa$HOME #"$'
  const { services } = await composed(t, {}, account => account.replace('something', password))
  const environment = services.reelport!.environment as Record<string, string>
  t.equal(environment.REELPORT_PASSWORD, password.replaceAll('$', '$$$$'), 'as Compose writes it down again')
  const { accounts, warnings } = loadConfig({
    cwd: t.testdir({}),
    env: { ...environment, REELPORT_PASSWORD: password },
  })
  t.match(accounts, [{ id: 'main', type: 'xtream', hosts: ['http://provider.example:8080'] }])
  t.same(warnings, [])
})

interface Project {
  // biome-ignore lint/suspicious/noExplicitAny: what the schema of Compose allows, which has checked it
  readonly services: Readonly<Record<string, any>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** Both files together, as Compose understands them once it has checked them against its schema. */
async function composed(
  t: Test,
  env: Record<string, string> = {},
  account = (example: string) => example,
): Promise<Project> {
  const directory = t.testdir({})
  cpSync(compose, directory, { recursive: true })
  const example = readFileSync(join(directory, 'account.env.example'), 'utf8')
  writeFileSync(join(directory, 'account.env'), account(example))
  const files = ['compose.yaml', 'plex.yaml'].flatMap(file => ['-f', join(directory, file)])
  const { status, stdout, stderr } = await run(program, [...files, 'config'], { env })
  if (status !== 0) throw new Error(stderr)
  return parse(stdout) as Project
}
