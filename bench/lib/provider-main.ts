/** The process of provider.ts: options as JSON come in, its URL goes out; then faults come in, and are confirmed. */
import { type AnswerFaults, startDemoProvider } from '../../src/demo/index.ts'

const provider = await startDemoProvider(JSON.parse(process.argv[2]!))
process.on('message', (answers: Record<string, AnswerFaults>) => {
  provider.faults.answers = answers
  process.send!('done')
})
process.on('disconnect', () => process.exit())
process.send!(provider.url)
