import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, run } from './programs.ts'

/** What Wireshark's dissectors say about the traffic of a server: an independent reading of every byte of the protocol. */
export interface Verdict {
  /** Frames captured, and those that the kernel could not hand over. */
  readonly packets: number
  readonly dropped: number
  /** One line for each packet that is malformed or has an expert error. */
  readonly complaints: readonly string[]
  /** Calls by program and procedure: `NFS 6`, `PORTMAP 3`. */
  readonly calls: ReadonlyMap<string, number>
  /** Calls without an answer, and answers without a call. */
  readonly unanswered: readonly string[]
  readonly unasked: readonly string[]
}

export interface Capture extends AsyncDisposable {
  /** Ends the capture and has it read. */
  finish(): Promise<Verdict>
}

/** What tap takes as `skip`. */
export const withoutCapture: string | false =
  findProgram('tshark') === undefined
    ? 'not installed: tshark'
    : process.getuid?.() !== 0 && 'needs the right to capture packets'

/** Captures what the loopback carries from and to these ports; resolves once that has begun. */
export async function startCapture(ports: readonly number[]): Promise<Capture> {
  const file = join(tmpdir(), `reelport-capture-${process.pid}.pcapng`)
  const filter = ports.map(port => `port ${port}`).join(' or ')
  const child = spawn('tshark', ['-i', 'lo', '-B', '256', '-f', filter, '-w', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  const ended = once(child, 'close')
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => reject(new Error(`tshark ended: ${said}`)))
    child.stderr.setEncoding('utf8').on('data', text => {
      said += text
      if (said.includes('Capture started')) resolve()
    })
  })
  const stop = async () => {
    child.kill('SIGINT')
    await ended
  }
  return {
    async finish() {
      await stop()
      const dropped = Number(/(\d+) packets? dropped/.exec(said)?.[1] ?? 0)
      return { dropped, ...(await read(file, ports)) }
    },
    async [Symbol.asyncDispose]() {
      await stop()
      rmSync(file, { force: true })
    },
  }
}

const fields = ['frame.number', 'ip.src', 'tcp.stream', 'udp.stream', 'rpc.xid', 'rpc.msgtyp', 'rpc.program']
const more = ['rpc.procedure', '_ws.malformed', '_ws.expert.severity', '_ws.expert.message']
/** PI_ERROR of Wireshark's epan/proto.h. */
const expertError = 8388608

async function read(file: string, ports: readonly number[]): Promise<Omit<Verdict, 'dropped'>> {
  const decode = ports.flatMap(port => ['-d', `tcp.port==${port},rpc`, '-d', `udp.port==${port},rpc`])
  // Two processors may hand packets of one connection over in another order than they were sent.
  const anyOrder = ['-o', 'tcp.reassemble_out_of_order:TRUE']
  // Each of a field's values in one column, in the order of the messages in the packet.
  const output = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=;']
  const columns = [...fields, ...more].flatMap(field => ['-e', field])
  const { status, stdout, stderr } = await run('tshark', ['-r', file, ...anyOrder, ...decode, ...output, ...columns], {
    timeoutMs: 120_000,
  })
  if (status !== 0) throw new Error(`tshark could not read the capture: ${stderr}`)
  const complaints: string[] = []
  const calls = new Map<string, number>()
  const open = new Map<string, string>()
  const unasked: string[] = []
  const lines = stdout.split('\n').filter(Boolean)
  for (const line of lines) {
    const [frame, source, tcp, udp, xids, types, programs, procedures, malformed, severities, messages] =
      line.split('\t')
    const isError = severities!.split(';').some(severity => Number(severity) >= expertError)
    if (malformed !== '' || isError) complaints.push(`frame ${frame} from ${source}: ${messages}`)
    if (xids === '') continue
    const [program, procedure] = [programs!.split(';'), procedures!.split(';')]
    const isCall = types!.split(';').map(type => Number(type) === 0)
    for (const [at, xid] of xids!.split(';').entries()) {
      const key = `${tcp ? `tcp ${tcp}` : `udp ${udp}`} xid ${xid}`
      if (isCall[at]) {
        const name = `${program[at] ?? program[0]} ${procedure[at] ?? procedure[0]}`
        calls.set(name, (calls.get(name) ?? 0) + 1)
        open.set(key, `${name} (${key}, frame ${frame})`)
      } else if (!open.delete(key)) unasked.push(`${key}, frame ${frame}`)
    }
  }
  return { packets: lines.length, complaints, calls, unanswered: [...open.values()], unasked }
}
