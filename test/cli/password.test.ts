import { join } from 'node:path'
import t from 'tap'
import { openAccess } from '../../src/access/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { Secret } from '../../src/lib/secret.ts'
import { accessFor, dataDirectory, sessionLimits } from '../lib/access.ts'
import { run, without } from '../lib/programs.ts'

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
const account = { REELPORT_HOSTS: 'http://tv.example', REELPORT_USERNAME: 'me', REELPORT_PASSWORD: 'provider-pw' }

/** `reelport password`, with what is piped into it. */
const password = (data: string, input: string, args: readonly string[] = [], env: Record<string, string> = {}) =>
  run(process.execPath, ['--conditions=@nfs/source', main, 'password', '--data', data, ...args], {
    input,
    env: { NODE_OPTIONS: '', ...account, ...env },
  })

t.test('a password from a pipe is the one to sign in with, in a server that runs already', async t => {
  const data = dataDirectory(t)
  const access = await accessFor(t, { directory: data })
  const done = await password(data, 'correct horse\n')
  t.equal(done.status, 0, done.stderr)
  t.notMatch(done.stdout + done.stderr, /horse/)
  t.match(await access.signIn(new Secret('correct horse'), '192.0.2.1'), { is: 'in' })
  const short = await password(data, 'horse\n')
  t.equal(short.status, 64)
  t.match(short.stderr, /8 to 1024 characters; this one has 5/)
  t.equal((await password(data, '')).status, 64, 'nothing is no password')
  t.match(await access.signIn(new Secret('correct horse'), '192.0.2.1'), { is: 'in' }, 'it stays')
  t.equal((await password(data, '', ['--remove'])).status, 0)
  t.equal(access.hasPassword, false)
})

/** Types each line as soon as the terminal shows what comes before it; prints all that the terminal showed. */
const typist = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
shown = b''
def wait(text):
    global shown
    while text not in shown:
        try: shown += os.read(terminal, 1000)
        except OSError: return
for prompt, line in ((b'New password: ', b'correct horse'), (b'Once more: ', os.environb[b'AGAIN'])):
    wait(prompt)
    os.write(terminal, line + b'\\r')
wait(b'no such text')
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

t.test('a terminal asks twice, and shows nothing of it', { skip: without('python3') }, async t => {
  const data = dataDirectory(t)
  const access = await accessFor(t, { directory: data })
  const command = [process.execPath, '--conditions=@nfs/source', main, 'password', '--data', data]
  const type = (again: string) =>
    run('python3', ['-c', typist, ...command], { env: { NODE_OPTIONS: '', ...account, AGAIN: again } })
  const other = await type('incorrect horse')
  t.equal(other.status, 64)
  t.match(other.stdout, /That was another one: nothing was changed/)
  t.equal(access.hasPassword, false)
  const same = await type('correct horse')
  t.equal(same.status, 0, same.stdout)
  t.match(await access.signIn(new Secret('correct horse'), '192.0.2.1'), { is: 'in' })
  t.notMatch(other.stdout + same.stdout, /horse/)
})

t.test('the demo has a password of its own, and one in the settings is changed there', async t => {
  const data = dataDirectory(t)
  t.equal((await password(data, 'correct horse\n', ['--demo'])).status, 0)
  const options = { tokens: [], sessions: sessionLimits }
  using demo = await openAccess({ ...options, directory: join(data, 'demo') }, systemClock)
  t.equal(demo.hasPassword, true)
  const refused = await password(data, 'correct horse\n', [], { REELPORT_HTTP_PASSWORD: 'another horse' })
  t.equal(refused.status, 78)
  t.match(refused.stderr, /http\.password/)
})
