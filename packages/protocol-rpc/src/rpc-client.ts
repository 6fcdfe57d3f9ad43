import { type AuthSys, RpcRefusal, readReply, writeCall } from './rpc-message.ts'
import type { AnyProcedure, AnyProgram, Args, ProcedureName, Result } from './rpc-program.ts'
import { XdrReader } from './xdr-reader.ts'
import { XdrWriter } from './xdr-writer.ts'

/** No answer can be had any more: the connection is closed, or could not be made, or time is up. */
export class RpcUnanswered extends Error {
  override name = 'RpcUnanswered'
}

/** Carries messages to one server and hands back what comes. */
export interface ClientTransport extends AsyncDisposable {
  /** Sends one message. `attempt` counts from 0. */
  send(message: Buffer): void
  /** After how many milliseconds a message is sent again; undefined where the transport sees to its delivery. */
  readonly resendMs: number | undefined
  /** Called for each message that arrives, and once with an error when no more will. */
  listen(onMessage: (message: Buffer) => void, onEnd: (error: Error) => void): void
}

export interface RpcClientOptions {
  /** Credential of each call; AUTH_NONE without one. */
  readonly auth?: AuthSys
  /** How long a call may take. Default 60 seconds. */
  readonly timeoutMs?: number
}

/** A program's procedures as functions. A rejected promise is RpcRefusal, RpcUnanswered, XdrError, or the signal's reason. */
export type ProgramClient<P extends AnyProgram> = {
  readonly [Name in ProcedureName<P>]: (args: Args<P, Name>, signal?: AbortSignal) => Promise<Result<P, Name>>
}

interface Waiting {
  readonly procedure: AnyProcedure
  resolve(result: unknown): void
  reject(error: Error): void
}

/** Calls programs at one server. Any number of calls may be under way; answers come in any order. */
export class RpcClient implements AsyncDisposable {
  readonly #transport: ClientTransport
  readonly #auth: AuthSys | undefined
  readonly #timeoutMs: number
  readonly #waiting = new Map<number, Waiting>()
  #xid = Math.floor(Math.random() * 0x1_0000_0000)
  #ended: Error | undefined

  constructor(transport: ClientTransport, { auth, timeoutMs = 60_000 }: RpcClientOptions = {}) {
    this.#transport = transport
    this.#auth = auth
    this.#timeoutMs = timeoutMs
    transport.listen(
      message => this.#receive(message),
      error => this.#end(error),
    )
  }

  /** The procedures of one program, typed by its table. */
  program<P extends AnyProgram>(program: P): ProgramClient<P> {
    const call = (procedure: AnyProcedure) => (args: unknown, signal?: AbortSignal) =>
      this.#call(program, procedure, args, signal)
    const entries = Object.entries(program.procedures).map(([name, procedure]) => [name, call(procedure)])
    return Object.fromEntries(entries) as ProgramClient<P>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new RpcUnanswered('The client is closed'))
    await this.#transport[Symbol.asyncDispose]()
  }

  #call(program: AnyProgram, procedure: AnyProcedure, args: unknown, signal?: AbortSignal): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    if (signal?.aborted) return Promise.reject(signal.reason)
    this.#xid = (this.#xid + 1) >>> 0
    const xid = this.#xid
    const to = new XdrWriter()
    const header = { program: program.number, version: program.version, procedure: procedure.number }
    writeCall(to, xid, header, this.#auth)
    procedure.args.write(to, args)
    const message = to.bytes()
    const { resendMs } = this.#transport
    return new Promise((resolve, reject) => {
      const late = () => reject(new RpcUnanswered(`No answer to ${program.name} within ${this.#timeoutMs} ms`))
      const aborted = () => reject(signal!.reason)
      const timer = setTimeout(late, this.#timeoutMs)
      const resend = resendMs === undefined ? undefined : setInterval(() => this.#transport.send(message), resendMs)
      signal?.addEventListener('abort', aborted, { once: true })
      const settled =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer)
          clearInterval(resend)
          signal?.removeEventListener('abort', aborted)
          this.#waiting.delete(xid)
          settle(value)
        }
      ;[resolve, reject] = [settled(resolve), settled(reject)]
      this.#waiting.set(xid, { procedure, resolve, reject })
      this.#transport.send(message)
    })
  }

  #receive(message: Buffer): void {
    const from = new XdrReader(message)
    if (from.remaining < 4) return
    const waiting = this.#waiting.get(from.u32())
    if (waiting === undefined) return // nobody waits any more
    try {
      const refusal = readReply(from)
      if (refusal === undefined) waiting.resolve(waiting.procedure.result.read(from))
      else waiting.reject(new RpcRefusal(refusal))
    } catch (error) {
      waiting.reject(error as Error)
    }
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }
}
