// Runs tap with this command line's arguments and ends with one line a person and a CI can read:
// "N passed, N failed, N skipped". Skipped tests are listed with their reasons before it.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const tap = fileURLToPath(new URL('dist/esm/run.mjs', import.meta.resolve('tap/package.json')))
// The "tap" reporter is plain text everywhere; a terminal gets no colours, and CI gets the same lines.
const child = spawn(process.execPath, [tap, '--reporter=tap', ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'inherit'],
})

const skipped = []
let totals = ''
let rest = ''
child.stdout.setEncoding('utf8').on('data', text => {
  process.stdout.write(text)
  const lines = (rest + text).split('\n')
  rest = lines.pop()
  for (const line of lines) {
    const skip = /^\s*ok \d+ - (.*?) # SKIP ?(.*)$/i.exec(line)
    if (skip) skipped.push(`skipped: ${skip[1]} (${skip[2] || 'no reason given'})`)
    if (/^# \{ total: \d+/.test(line)) totals = line
  }
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))

child.on('close', (code, signal) => {
  const count = name => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
  for (const line of skipped) console.log(line)
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`)
  if (process.env.CI && skipped.length > 0) console.log('CI skips nothing: a client is missing, see above')
  process.exitCode = signal || totals === '' ? 1 : (code ?? 1) || (process.env.CI && skipped.length > 0 ? 1 : 0)
})
