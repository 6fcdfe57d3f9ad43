/** The remuxing thread: one job after the other, so that the event loop that serves files is never held by one. */
import { parentPort, type Transferable } from 'node:worker_threads'
import { countSamples } from './inspect.ts'
import { type FromRemux, failureOf, remux, type ToRemux } from './remux-job.ts'

const port = parentPort!

port.on('message', (asked: ToRemux) => {
  const { call } = asked
  const transferred: Transferable[] = []
  let answer: FromRemux
  try {
    if ('count' in asked) answer = { call, result: countSamples(asked.count.segment, asked.count.map) }
    else {
      const result = remux(asked.job)
      if (result.fragment !== undefined) transferred.push(result.fragment.buffer as Transferable)
      answer = { call, result }
    }
  } catch (error) {
    answer = { call, failure: failureOf(error) }
  }
  port.postMessage(answer, transferred)
})
