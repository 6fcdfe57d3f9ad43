// Runs tap with this command line's arguments and ends with what a person and a CI look for: what was skipped and why, what failed
// and how, and one line "N passed, N failed, N skipped". A CI often shows the end of a long output only.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { Parser } from 'tap-parser'

const DIAGNOSTICS = 2_000

const tap = fileURLToPath(new URL('dist/esm/run.mjs', import.meta.resolve('tap/package.json')))
// The "tap" reporter is plain text everywhere; a terminal gets no colours, and CI gets the same lines.
const child = spawn(process.execPath, [tap, '--reporter=tap', ...process.argv.slice(2)], {
  stdio: ['inherit', 'pipe', 'inherit'],
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))

const parser = new Parser()
const skipped = []
const failed = []
let totals = ''
const listen = level => {
  let before = failed.length
  level.on('child', inner => {
    before = failed.length
    listen(inner)
  })
  level.on('comment', comment => {
    if (/^# \{ total: \d+/.test(comment)) totals = comment
  })
  level.on('assert', result => {
    // A test that holds a failed one fails with it, and has no more to say.
    const told = failed.length > before
    before = failed.length
    if (result.skip)
      skipped.push(`skipped: ${result.fullname} (${result.skip === true ? 'no reason given' : result.skip})`)
    else if (!result.ok && !result.todo && !told) {
      const { source: _, ...diagnostics } = result.diag ?? {}
      failed.push(`failed: ${result.fullname}\n${inspect(diagnostics, { depth: 4 }).slice(0, DIAGNOSTICS)}`)
      before = failed.length
    }
  })
}
listen(parser)
child.stdout.setEncoding('utf8').on('data', text => {
  process.stdout.write(text)
  parser.write(text)
})

child.on('close', (code, signal) => {
  parser.end()
  const count = name => Number(new RegExp(`\\b${name}: (\\d+)`).exec(totals)?.[1] ?? 0)
  for (const line of [...skipped, ...failed]) console.log(line)
  console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`)
  if (process.env.CI && skipped.length > 0) console.log('CI skips nothing: a client is missing, see above')
  process.exitCode = signal || totals === '' ? 1 : (code ?? 1) || (process.env.CI && skipped.length > 0 ? 1 : 0)
})
