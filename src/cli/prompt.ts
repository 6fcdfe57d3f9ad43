import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Secret } from '../lib/secret.ts'

/** Asks for a secret on the terminal without showing it; from a pipe or file, its first line. Undefined when there is none. */
export async function askSecret(
  question: string,
  err: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<Secret | undefined> {
  const { stdin } = process
  const isTerminal = stdin.isTTY === true
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output: nowhere, terminal: isTerminal })
  if (isTerminal) err.write(question) // only now: before, the terminal itself would show what is typed
  const stop = () => lines.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const line = await new Promise<string>(resolve => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
      lines.once('SIGINT', stop) // in this mode Ctrl-C is a key like any other
    })
    signal.throwIfAborted()
    return line === '' ? undefined : new Secret(line)
  } finally {
    signal.removeEventListener('abort', stop)
    lines.close()
    if (isTerminal) err.write('\n')
  }
}
