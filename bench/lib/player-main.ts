/** The process of player.ts: reads a file as a player does, and tells how long each read took when it is asked for. */
import { setTimeout as delay } from 'node:timers/promises'
import { connectRpc, Nfsstat3, nfs3 } from '@nfs/protocol-rpc'
import { lookUp } from './look-up.ts'
import type { PlayerOptions } from './player.ts'

const { port, path, bytesPerSecond, readBytes }: PlayerOptions = JSON.parse(process.argv[2]!)
await using client = await connectRpc({ host: '127.0.0.1', port })
const nfs = client.program(nfs3)
const file = await lookUp(client, path)

/** Milliseconds of each read since this was last asked. */
let waits: number[] = []
process.on('message', () => {
  process.send!(waits)
  waits = []
})
process.on('disconnect', () => process.exit())

const everyMs = (1000 * readBytes) / bytesPerSecond
let dueAt = performance.now()
for (let offset = 0; ; offset += readBytes) {
  const asked = performance.now()
  const answer = await nfs.READ({ file, offset, count: readBytes })
  if (answer.status !== Nfsstat3.OK || answer.data.length !== readBytes)
    throw new Error(`READ of ${path} at ${offset}: status ${answer.status}`)
  waits.push(performance.now() - asked)
  dueAt = Math.max(dueAt + everyMs, performance.now())
  await delay(Math.max(0, dueAt - performance.now()))
}
