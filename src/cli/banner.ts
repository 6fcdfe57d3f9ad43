import { type App, mountCommand, reachableBy } from '../app/index.ts'
import type { Config } from '../config/index.ts'

/** What `serve` prints once it listens: what is served, where, and the command that mounts it. */
export function banner(
  { nfs, http, hasPassword }: App,
  { accounts, nfs: { host, exports }, file }: Config,
  version: string,
): string {
  const { here, elsewhere } = reachableBy(host)
  const target = { port: nfs.port, path: exports[0] ?? '/' }
  const what = accounts.map(({ id }) => (id === 'demo' ? 'the demo provider' : `account ${id}`)).join(', ')
  const lines = [
    '',
    `reelport ${version} serves ${what}${file ? ` (${file})` : ''}`,
    '',
    `  NFS   ${elsewhere ?? here}:${nfs.port}, exports ${exports.join('  ')}`,
    `  HTTP  ${http.url}${http.tls ? `, and over TLS on port ${http.tls.port}` : ''}`,
    '',
    '  Mount it here (as root):',
    `    ${mountCommand({ ...target, host: here }, '/mnt')}`,
  ]
  if (elsewhere !== undefined && elsewhere !== here) {
    lines.push('  or on another machine:', `    ${mountCommand({ ...target, host: elsewhere }, '/mnt')}`)
  }
  const signIn = hasPassword
    ? '  Sign in with the password; "reelport password" sets another one.'
    : '  No password is set: only this machine may look. Set one with "reelport password", and sign in from anywhere.'
  lines.push('', signIn, '', '  Files appear as their sizes are learnt. Stop with Ctrl-C.', '', '')
  return lines.join('\n')
}
