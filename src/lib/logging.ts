import { type DestinationStream, destination as fileDescriptor, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Logger } from './log.ts'
import type { LogTail } from './log-tail.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** JSON lines, lines for people, or whichever suits the destination: `auto` is pretty on a terminal. */
  readonly format: 'auto' | 'json' | 'pretty'
  /** Where lines go; standard error by default, so that standard output stays free for results. */
  readonly destination?: DestinationStream & { readonly isTTY?: boolean }
  /** Gets every line as well. */
  readonly tail?: LogTail
}

/**
 * Opens the log. Lines are written at once, so that none is lost when the process ends. Errors, under whatever name they
 * are given, appear with message, stack and causes; a `Secret` appears as `[secret]`.
 */
export function openLog({ level, format, destination, tail }: LogOptions): Logger {
  const terminal = destination === undefined ? process.stderr.isTTY === true : destination.isTTY === true
  const raw = destination ?? fileDescriptor({ fd: 2, sync: true })
  const readable = format === 'pretty' || (format === 'auto' && terminal)
  const colorize = terminal && !process.env.NO_COLOR
  const shown = readable ? forPeople(raw, colorize) : raw
  const stream = tail === undefined ? shown : both(shown, tail)
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { log: withErrors, level: levelName } },
    stream,
  )
}

function forPeople(raw: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({ colorize, translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
  return { write: line => raw.write(format(line)) }
}

function both(shown: DestinationStream, tail: LogTail): DestinationStream {
  return {
    write(line) {
      tail.write(line)
      shown.write(line)
    },
  }
}

function levelName(label: string): object {
  return { level: label }
}

function withErrors(fields: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    out[name] = value instanceof Error ? stdSerializers.err(value) : value
  }
  return out
}
