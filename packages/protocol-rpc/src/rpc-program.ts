import type { Codec } from './codec.ts'
import type { Call } from './rpc-call.ts'

/** One remote procedure. `Write` is what a handler may return; `Read`, what a client gets. */
export interface Procedure<Args = unknown, Read = unknown, Write = Read> {
  readonly number: number
  readonly args: Codec<Args>
  readonly result: Codec<Read, Write>
  /** The status inside a result, 0 being success; absent where results have none. Counted as errors, no more. */
  readonly statusOf?: (result: Write) => number
}

/** One version of one program: its procedures by their names in the RFC. */
export interface Program<Procedures extends Record<string, Procedure> = Record<string, Procedure>> {
  readonly name: string
  readonly number: number
  readonly version: number
  readonly procedures: Procedures
}

// biome-ignore lint/suspicious/noExplicitAny: any stands for each procedure's own types, which a table cannot name at once
export type AnyProcedure = Procedure<any, any, any>
export type AnyProgram = Program<Record<string, AnyProcedure>>

export type ProcedureName<P extends AnyProgram> = keyof P['procedures'] & string
export type Args<P extends AnyProgram, Name extends ProcedureName<P>> =
  P['procedures'][Name] extends Procedure<infer A, infer _R, infer _W> ? A : never
/** What a client reads. */
export type Result<P extends AnyProgram, Name extends ProcedureName<P>> =
  P['procedures'][Name] extends Procedure<infer _A, infer R, infer _W> ? R : never
/** What a handler may answer. */
export type Answer<P extends AnyProgram, Name extends ProcedureName<P>> =
  P['procedures'][Name] extends Procedure<infer _A, infer _R, infer W> ? W : never

/** Answers one procedure, at once or later. Views in `args` stay valid; they must not be changed. */
export type Handler<A, W> = (args: A, call: Call) => W | Promise<W>

/** A handler for each procedure of a program. */
export type Service<P extends AnyProgram> = {
  readonly [Name in ProcedureName<P>]: Handler<Args<P, Name>, Answer<P, Name>>
}

/** A program with what answers it: what a server is made of. */
export interface Served {
  readonly program: AnyProgram
  // biome-ignore lint/suspicious/noExplicitAny: `serve` has checked each handler against its procedure
  readonly handlers: Readonly<Record<string, Handler<any, any>>>
}

/** Joins a program and its service; the types see to it that they fit. */
export function serve<P extends AnyProgram>(program: P, service: Service<P>): Served {
  return { program, handlers: service }
}
