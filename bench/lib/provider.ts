import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { DemoOptions, Faults } from '../../src/demo/index.ts'
import type { Counts, Question } from './provider-main.ts'
import type { Login } from './server.ts'

/** The demo provider as a process of its own, so that its work is not the server's. */
export interface ProviderProcess extends AsyncDisposable {
  readonly login: Login
  /** Sets how it answers from now on. */
  answer(faults: Faults['answers']): Promise<void>
  /** What it was asked for since this was last asked; of the latest 20,000 requests. */
  counts(): Promise<Counts>
}

/** Films and shows by number, without ffmpeg; see SyntheticOptions. */
export async function startProvider(options: Omit<DemoOptions, 'credentials'>): Promise<ProviderProcess> {
  const credentials = { username: 'bench', password: 'bench' }
  const child = fork(join(import.meta.dirname, 'provider-main.ts'), [JSON.stringify({ ...options, credentials })])
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`The demo provider ended with code ${code}`)
  })
  ended.catch(() => {}) // told to who asks
  const said = async () => (await Promise.race([once(child, 'message'), ended]))[0]
  const url: string = await said()
  const ask = (question: Question) => {
    child.send(question)
    return said()
  }
  return {
    login: { url, ...credentials },
    answer: async faults => void (await ask({ answers: faults ?? {} })),
    counts: async () => (await ask({ counts: true })) as Counts,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}
