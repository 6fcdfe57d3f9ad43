import { callChannel } from './events.ts'
import { Call, type Peer } from './rpc-call.ts'
import { MsgType, type Refusal, RpcRefusal, readAuth, rpcVersion, writeRefusal, writeSuccess } from './rpc-message.ts'
import type { AnyProcedure, Handler, Served } from './rpc-program.ts'
import { ProcedureCounter, type ProcedureStats } from './rpc-stats.ts'
import { XdrError } from './xdr-error.ts'
import { XdrReader } from './xdr-reader.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** An exception that a handler, or the encoding of its answer, was not meant to throw. The call got SYSTEM_ERR. */
export interface CallFailure {
  readonly program: string
  readonly procedure: string
  readonly xid: number
  readonly peer: Peer
  readonly error: unknown
}

/** A call whose answer is not there yet. */
export interface WaitingCall {
  readonly call: Call
  /** Never rejects. The function given writes the reply, once. */
  readonly reply: Promise<(to: XdrWriter) => void>
}

/** What became of a record: answered (the reply is written), waiting, or no call at all, so that nothing can be answered. */
export type Dispatched = 'answered' | 'not-a-call' | WaitingCall

interface Route {
  readonly program: string
  readonly version: number
  readonly name: string
  readonly procedure: AnyProcedure
  // biome-ignore lint/suspicious/noExplicitAny: `serve` has checked the handler against its procedure
  readonly handler: Handler<any, any>
  readonly counter: ProcedureCounter
}

interface Routes {
  readonly versions: Map<number, readonly (Route | undefined)[]>
  readonly mismatch: Refusal
}

/** Bytes of a call to bytes of a reply, with every refusal of RFC 5531. Knows no sockets. */
export class RpcDispatcher {
  readonly #programs = new Map<number, Routes>()
  readonly #onError: (failure: CallFailure) => void
  readonly #scratch = new XdrReader()
  #refused = 0

  constructor(services: readonly Served[], onError: (failure: CallFailure) => void) {
    this.#onError = onError
    for (const number of new Set(services.map(({ program }) => program.number))) {
      const versions = services.filter(({ program }) => program.number === number)
      const numbers = versions.map(({ program }) => program.version)
      this.#programs.set(number, {
        versions: new Map(versions.map(served => [served.program.version, routesOf(served)])),
        mismatch: { reason: 'PROG_MISMATCH', low: Math.min(...numbers), high: Math.max(...numbers) },
      })
    }
  }

  /** Reads one call and writes its reply, or says that it waits. Never throws for what the record holds. */
  dispatch(from: XdrReader, to: XdrWriter, peer: Peer): Dispatched {
    if (from.remaining < 8) return 'not-a-call'
    const xid = from.u32()
    if (from.u32() !== MsgType.CALL) return 'not-a-call'
    // Six words, and two words each of credential and verifier.
    if (from.remaining < 32) return this.#refuse(to, xid, { reason: 'GARBAGE_ARGS' })
    if (from.u32() !== rpcVersion) {
      return this.#refuse(to, xid, { reason: 'RPC_MISMATCH', low: rpcVersion, high: rpcVersion })
    }
    const [program, version, number] = [from.u32(), from.u32(), from.u32()]
    const auth = readAuth(from, this.#scratch)
    if (typeof auth === 'number') return this.#refuse(to, xid, { reason: 'AUTH_ERROR', why: auth })
    const routes = this.#programs.get(program)
    if (routes === undefined) return this.#refuse(to, xid, { reason: 'PROG_UNAVAIL' })
    const procedures = routes.versions.get(version)
    if (procedures === undefined) return this.#refuse(to, xid, routes.mismatch)
    const route = procedures[number]
    if (route === undefined) return this.#refuse(to, xid, { reason: 'PROC_UNAVAIL' })
    return this.#run(route, new Call(xid, peer, auth.sys), from, to)
  }

  /** Counts of every procedure served, in the order of the services. */
  stats(): readonly ProcedureStats[] {
    return [...this.#programs.values()]
      .flatMap(({ versions }) => [...versions.values()].flat())
      .filter(route => route !== undefined)
      .map(({ counter, program, version, name }) => counter.stats(program, version, name))
  }

  /** Calls refused before they reached a procedure. */
  get refused(): number {
    return this.#refused
  }

  #refuse(to: XdrWriter, xid: number, refusal: Refusal): 'answered' {
    this.#refused++
    writeRefusal(to, xid, refusal)
    return 'answered'
  }

  #run(route: Route, call: Call, from: XdrReader, to: XdrWriter): Dispatched {
    const startedAt = callChannel.hasSubscribers ? performance.now() : 0
    route.counter.calls++
    let args: unknown
    try {
      args = route.procedure.args.read(from)
    } catch (error) {
      this.#fail(route, call, to, error instanceof XdrError ? new RpcRefusal({ reason: 'GARBAGE_ARGS' }) : error)
      return 'answered'
    }
    try {
      const answer = route.handler(args, call)
      if (answer instanceof Promise) return this.#wait(route, call, answer)
      this.#succeed(route, call, to, answer, startedAt)
    } catch (error) {
      this.#fail(route, call, to, error)
    }
    return 'answered'
  }

  #wait(route: Route, call: Call, answer: Promise<unknown>): WaitingCall {
    const startedAt = performance.now()
    const reply = answer.then(
      value => (to: XdrWriter) => {
        route.counter.addWait(performance.now() - startedAt)
        this.#succeed(route, call, to, value, startedAt)
      },
      error => (to: XdrWriter) => {
        route.counter.addWait(performance.now() - startedAt)
        this.#fail(route, call, to, error)
      },
    )
    return { call, reply }
  }

  #succeed(route: Route, call: Call, to: XdrWriter, answer: unknown, startedAt: number): void {
    const { procedure, counter } = route
    const [position, before] = [to.position, to.length]
    try {
      writeSuccess(to, call.xid)
      procedure.result.write(to, answer)
    } catch (error) {
      to.truncate(position)
      this.#fail(route, call, to, error)
      return
    }
    const status = procedure.statusOf?.(answer)
    if (status !== undefined && status !== 0) counter.errors++
    counter.replyBytes += to.length - before
    if (startedAt > 0 && callChannel.hasSubscribers) publish(route, call, status, startedAt)
  }

  #fail(route: Route, call: Call, to: XdrWriter, error: unknown): void {
    route.counter.errors++
    if (error instanceof RpcRefusal) {
      writeRefusal(to, call.xid, error.refusal)
      return
    }
    writeRefusal(to, call.xid, { reason: 'SYSTEM_ERR' })
    this.#onError({ program: route.program, procedure: route.name, xid: call.xid, peer: call.peer, error })
  }
}

function routesOf({ program, handlers }: Served): readonly (Route | undefined)[] {
  const routes: (Route | undefined)[] = []
  for (const [name, procedure] of Object.entries(program.procedures)) {
    const handler = handlers[name]
    if (handler === undefined) throw new TypeError(`Cannot serve ${program.name}: there is no handler for ${name}`)
    const counter = new ProcedureCounter()
    routes[procedure.number] = { program: program.name, version: program.version, name, procedure, handler, counter }
  }
  return routes
}

function publish({ program, name }: Route, { xid, peer }: Call, status: number | undefined, startedAt: number): void {
  callChannel.publish({ program, procedure: name, xid, peer, status, durationMs: performance.now() - startedAt })
}
