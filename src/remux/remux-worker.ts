/** The remuxing thread: one job after the other, so that the event loop that serves files is never held by one. */
import { parentPort, type Transferable } from 'node:worker_threads'
import { type FromRemux, failureOf, remux, type ToRemux } from './remux-job.ts'

const port = parentPort!

port.on('message', ({ call, job }: ToRemux) => {
  let answer: FromRemux
  try {
    answer = { call, result: remux(job) }
  } catch (error) {
    answer = { call, failure: failureOf(error) }
  }
  const fragment = 'result' in answer ? answer.result.fragment : undefined
  port.postMessage(answer, fragment === undefined ? [] : [fragment.buffer as Transferable])
})
