// Prints one list of what the image is made of, in the CycloneDX format: npm's list, with Node itself and with the packages that the
// directory of dpkg's notes names. Each of those says which files of machine code it has there.
//   node merge-sbom.mjs NPM-LIST STATUS-DIRECTORY
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [npmList, statusDirectory] = process.argv.slice(2)
const bom = JSON.parse(readFileSync(npmList, 'utf8'))
const version = process.versions.node

const node = {
  'bom-ref': `pkg:generic/node@${version}`,
  type: 'application',
  name: 'node',
  version,
  purl: `pkg:generic/node@${version}`,
  cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
  ...at(['usr/local/bin/node']),
}
const packages = readdirSync(statusDirectory)
  .filter(name => !name.endsWith('.md5sums'))
  .map(debianPackage)

// npm calls it by the directory it was in.
bom.metadata.component = { ...bom.metadata.component, type: 'application', name: 'reelport' }
process.stdout.write(JSON.stringify({ ...bom, components: [...bom.components, node, ...packages] }, null, 2))

function debianPackage(file) {
  const notes = readFileSync(join(statusDirectory, file), 'utf8')
  const field = name => new RegExp(`^${name}: *(.*)$`, 'm').exec(notes)?.[1]
  const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map(field)
  // Known faults are told by the name of the source.
  const [source] = (field('Source') ?? name).split(' ')
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&upstream=${source}&distro=debian-12`
  return {
    'bom-ref': purl,
    type: 'library',
    name,
    version,
    purl,
    ...at(programsOf(`${file}.md5sums`)),
  }
}

/** Programs and libraries: what lies in /usr/bin, and what is called so. */
function programsOf(sums) {
  return readFileSync(join(statusDirectory, sums), 'utf8')
    .split('\n')
    .flatMap(line => line.split(/ +/)[1] ?? [])
    .filter(path => path.startsWith('usr/bin/') || path.startsWith('usr/sbin/') || /\.so(\.|$)/.test(path))
}

function at(paths) {
  return paths.length === 0 ? {} : { evidence: { occurrences: paths.map(path => ({ location: `/${path}` })) } }
}
