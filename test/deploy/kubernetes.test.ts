import { readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { kubernetesVolume } from '../../src/app/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import { helm, kustomized, type Manifest, manifests, withoutKubernetesTools } from '../lib/kubernetes-tools.ts'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const chart = join(deploy, 'helm/reelport')
const skip = withoutKubernetesTools

t.test('every object of manifests and chart is one that Kubernetes takes', { skip }, async t => {
  for (const [where, objects] of [
    ['manifests', await everyManifest(t)],
    ['chart', await everyTemplate()],
  ] as const) {
    for (const object of objects) {
      const name = `${where}: ${object.kind} ${object.metadata.name}`
      const complaint = await complaintAbout(object)
      t.equal(complaint, undefined, name)
      for (const path of valuePaths(object)) {
        const broken = await complaintAbout(withValue(object, path, nonsense))
        if (broken === undefined) t.fail(`${name}: nothing is known of ${path.join('.')}`)
      }
    }
  }
})

t.test('every pod keeps to the Pod Security Standard "restricted"', { skip }, async t => {
  const pods = [...(await everyManifest(t)), ...(await everyTemplate())].flatMap(podOf)
  t.equal(pods.length, 5, 'server, sync and client; server and sync of the chart')
  for (const pod of pods) {
    for (const forbidden of ['hostNetwork', 'hostPID', 'hostIPC']) t.notOk(forbidden in pod, `no ${forbidden}`)
    t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    t.ok(pod.securityContext.runAsUser > 0)
    for (const container of pod.containers) {
      t.match(container.securityContext, { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
      t.notOk('privileged' in container.securityContext || 'add' in container.securityContext.capabilities)
      for (const port of container.ports ?? []) t.notOk('hostPort' in port)
    }
    const kinds = ['configMap', 'secret', 'persistentVolumeClaim', 'emptyDir']
    for (const { name, ...source } of pod.volumes) t.ok(kinds.includes(Object.keys(source)[0]!), `volume ${name}`)
  }
})

t.test('what an object refers to is there', { skip }, async t => {
  for (const all of [await everyManifest(t), await everyTemplate()]) {
    const objects = all.filter(({ metadata }) => metadata.namespace !== 'media')
    const the = (kind: string) => objects.find(object => object.kind === kind)!
    const named = (kind: string, name: string) => objects.some(o => o.kind === kind && o.metadata.name === name)
    const server = the('StatefulSet')
    const { metadata, spec: pod } = server.spec.template
    const [{ ports, volumeMounts }] = pod.containers
    const claims = server.spec.volumeClaimTemplates as readonly Manifest[]
    const selects = (selector: object) => t.match(metadata.labels, selector, 'the pod is selected')

    selects(server.spec.selector.matchLabels)
    selects(the('PodDisruptionBudget').spec.selector.matchLabels)
    selects(the('NetworkPolicy').spec.podSelector.matchLabels)
    const services = objects.filter(({ kind }) => kind === 'Service')
    for (const { spec } of services) selects(spec.selector)
    const wanted = [
      ...services.flatMap(({ spec }) => spec.ports.map((port: { targetPort: string }) => port.targetPort)),
      ...the('NetworkPolicy').spec.ingress.flatMap((rule: { ports: { port: string }[] }) =>
        rule.ports.map(p => p.port),
      ),
    ]
    const open = new Set(ports.map(({ name }: { name: string }) => name))
    t.same(new Set(wanted), open, 'each port is reached, and is open')

    t.ok(named('Service', server.spec.serviceName) && named('ServiceAccount', pod.serviceAccountName))
    const volumes = [...pod.volumes.map(({ name }: { name: string }) => name), ...claims.map(c => c.metadata.name)]
    t.same(volumeMounts.map(({ name }: { name: string }) => name).sort(), volumes.sort())
    t.ok(named('ConfigMap', pod.volumes[0].configMap.name))

    const { endpoints, selector } = the('ServiceMonitor').spec
    const watched = services.find(({ spec }) => spec.ports[0].name === endpoints[0].port)!
    t.match(watched.metadata.labels, selector.matchLabels, 'the monitor finds its service')
    const sync = the('CronJob').spec.jobTemplate.spec.template.spec
    t.ok(named('Service', new URL(sync.containers[0].args[2]).hostname), 'the sync asks a service')
    t.equal(sync.volumes[0].persistentVolumeClaim.claimName, `${claims[0]!.metadata.name}-${server.metadata.name}-0`)
  }
})

t.test('nodes mount as "reelport doctor" says, at the address of the service', { skip }, async t => {
  for (const objects of [await everyManifest(t), await everyTemplate()]) {
    const volume = objects.find(({ kind }) => kind === 'PersistentVolume')!
    const service = objects.find(({ spec }) => spec?.clusterIP !== undefined)!
    const target = { host: service.spec.clusterIP, port: service.spec.ports[0].port, path: '/' }
    const [printed] = parseAllDocuments(kubernetesVolume(target)).map(document => document.toJS())
    const { claimRef, ...spec } = volume.spec
    t.same(spec, printed.spec)
    t.same(claimRef, { namespace: 'media', name: 'reelport' })
  }
})

t.test('the chart makes what the manifests say', { skip }, async t => {
  const ours = (await everyManifest(t)).filter(
    ({ metadata, kind }) => kind !== 'Namespace' && metadata.namespace !== 'media',
  )
  t.same(plain(await everyTemplate()), plain(ours))
})

t.test('their configuration is one that the program takes', { skip }, async t => {
  for (const objects of [await everyManifest(t), await everyTemplate()]) {
    const text = objects.find(({ kind }) => kind === 'ConfigMap')!.data!['reelport.yaml']!
    const directory = t.testdir({ username: 'someone', password: 'something' })
    writeFileSync(join(directory, 'reelport.yaml'), text.replaceAll('/run/secrets/reelport/', ''))
    t.match(loadConfig({ cwd: directory, env: {} }).accounts, [{ id: 'main', type: 'xtream' }])
  }
})

t.test('helm finds the chart right, and refuses values that cannot be', { skip }, async t => {
  const lint = await helm('lint', '--strict', '--quiet', chart)
  t.equal(lint.status, 0, lint.stdout + lint.stderr)
  for (const [value, complaint] of [
    ['nfs.clusterIP="none"', /clusterIP/],
    ['persistence.data.size="much"', /size/],
    ['image.repo="elsewhere"', /repo/],
    ['networkPolicy.nodes[0]="anybody"', /nodes/],
    ['networkPolicy.nodes=[]', /nodes/], // an empty rule would let everybody in
  ] as const) {
    const { status, stderr } = await helm('template', 'reelport', chart, '--set-json', value)
    t.not(status, 0, value)
    t.match(stderr, complaint)
  }
  const named = manifests(await helm('template', 'evening', chart))
  t.ok(
    named.every(({ metadata }) => metadata.name.startsWith('evening-reelport')),
    'two releases get along',
  )
})

/** All manifests, with what is optional: as if the lines of the kustomization that are commented out were not. */
async function everyManifest(t: Test): Promise<readonly Manifest[]> {
  const directory = t.testdir({})
  const at = (path: string) => relative(directory, join(deploy, 'kubernetes', path))
  const shipped = parse(readFileSync(join(deploy, 'kubernetes/kustomization.yaml'), 'utf8'))
  const components = [at('monitoring'), at('sync')]
  const kustomization = { ...shipped, resources: shipped.resources.map(at), components }
  writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization))
  return await kustomized(directory)
}

/** All that the chart makes, with what is optional. */
async function everyTemplate(): Promise<readonly Manifest[]> {
  const optional = ['--set', 'serviceMonitor.enabled=true,sync.enabled=true']
  return manifests(await helm('template', 'reelport', chart, '--namespace', 'reelport', ...optional))
}

/** What the schema made of Kubernetes' (or the Prometheus operator's) own description has against an object. */
async function complaintAbout(object: Manifest): Promise<string | undefined> {
  const { apiVersion, kind } = object
  const from = apiVersion.startsWith('monitoring.') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models'
  const { [kind]: Model } = await import(`${from}/${apiVersion}/${kind}`)
  try {
    new Model(object).validate()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** No field may be this. */
const nonsense = Symbol('nonsense')

/** The path of every value within an object but what it is, and what maps of a person's own words hold. */
function valuePaths(object: object): readonly (readonly string[])[] {
  return Object.entries(object).flatMap(([name, value]) => {
    if (name === 'apiVersion' || name === 'kind') return []
    const inner = typeof value === 'object' && value !== null ? valuePaths(value) : []
    return [[name], ...inner.map(path => [name, ...path])]
  })
}

/** A copy of an object that has another value at a path. */
function withValue<T extends object>(object: T, [name, ...inner]: readonly string[], value: unknown): T {
  const copy = (Array.isArray(object) ? [...object] : { ...object }) as Record<string, unknown>
  copy[name!] = inner.length === 0 ? value : withValue(copy[name!] as object, inner, value)
  return copy as T
}

function podOf({ kind, spec }: Manifest) {
  if (kind === 'CronJob') return [spec.jobTemplate.spec.template.spec]
  return spec?.template === undefined ? [] : [spec.template.spec]
}

/** Objects by kind and name, without what helm and kustomize each add in their own way. */
function plain(objects: readonly Manifest[]): Readonly<Record<string, unknown>> {
  const added =
    /^(helm\.sh\/chart|app\.kubernetes\.io\/(instance|version|managed-by)|annotations|namespace|imagePullPolicy)$/
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip)
    if (typeof value === 'string') return value.replace(/^reelport-[a-z0-9]{10}$/, 'reelport') // the configuration's name
    if (typeof value !== 'object' || value === null) return value
    const kept = Object.entries(value).filter(([name]) => !added.test(name))
    return Object.fromEntries(
      kept.map(([name, inner]) => [
        name,
        name === 'reelport.yaml' ? parse(inner) : name === 'claimRef' ? inner : strip(inner),
      ]),
    )
  }
  const entries = objects.map(object => [`${object.kind} ${strip(object.metadata.name)}`, strip(object)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
