import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fstabLine, mountOptions } from '../../src/app/mounting.ts'
import { run, without } from '../lib/programs.ts'

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))
const read = (path: string) => readFileSync(join(deploy, path), 'utf8')
const units = ['reelport.service', 'mnt-reelport.mount', 'mnt-reelport.automount']

/** By systemd's own count, from 0 (exposed to nothing) to 100; what a service on the network cannot do without is some 15. */
const mostExposed = 20

t.test('systemd understands the units', { skip: without('systemd-analyze') }, async t => {
  const { status, stderr } = await run('systemd-analyze', ['verify', ...installed(t.testdir({}))])
  t.equal(status, 0, stderr)
  t.equal(stderr, '', 'without a warning')
})

t.test('systemd finds the service exposed to little', { skip: without('systemd-analyze') }, async t => {
  const [service] = installed(t.testdir({}))
  const options = ['security', '--offline=true', '--no-pager', `--threshold=${mostExposed}`]
  const { status, stdout } = await run('systemd-analyze', [...options, service!])
  t.equal(status, 0, stdout)
  t.match(stdout, /Overall exposure level for reelport\.service: \d\.\d OK/)
})

t.test('the service asks nobody for its home: where libnss-systemd is missing, nobody knows its user', async t => {
  const service = lines('systemd/reelport.service')
  const state = /^StateDirectory=(.*)$/m.exec(service.join('\n'))?.[1]
  t.ok(service.includes('DynamicUser=yes'))
  t.ok(service.includes(`Environment=HOME=%S/${state}`))
})

t.test('fstab, autofs and the mount unit mount as "reelport doctor" says', async t => {
  const options = mountOptions(2049).join(',')
  const target = { host: '192.168.1.20', port: 2049, path: '/' }
  t.same(lines('linux/fstab'), [fstabLine(target, '/mnt/reelport')])
  t.same(lines('linux/auto.reelport'), [`reelport -fstype=nfs,${options} 192.168.1.20:/`])
  t.ok(lines('systemd/mnt-reelport.mount').includes(`Options=${options}`))
})

t.test('the line for fstab is one', { skip: without('findmnt') }, async t => {
  const there = t.testdir({})
  const table = join(there, 'fstab')
  writeFileSync(table, read('linux/fstab').replace('/mnt/reelport', there))
  const { status, stdout } = await run('findmnt', ['--verify', '--tab-file', table])
  t.equal(status, 0, stdout)
})

/** The units in a directory, their program being one that is here. */
function installed(directory: string): readonly string[] {
  return units.map(name => {
    const path = join(directory, name)
    writeFileSync(path, read(`systemd/${name}`).replace('/usr/bin/node', process.execPath))
    return path
  })
}

/** The lines of a file that say something. */
function lines(path: string): readonly string[] {
  return read(path)
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
}
