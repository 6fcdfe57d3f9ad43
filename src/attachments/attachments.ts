import { hash } from 'node:crypto'
import { type Clock, systemClock } from '../lib/clock.ts'
import { NumberedFiles } from './files.ts'
import { type Attachment, AttachmentError, type Attachments } from './model.ts'
import type { AttachmentSource } from './ports.ts'

/** How long a read waits for bytes that have to be fetched again. */
const waitMs = 20_000
/** What could not be had is not asked for again for so long. */
const pauseMs = 60_000
/** Fetched for readers at once. */
const maxFlights = 4
const maxRemembered = 10_000

export interface AttachmentsOptions {
  /** Where bytes are kept; may be deleted at any time. */
  readonly directory: string
}

export interface AttachmentsDeps {
  readonly source: AttachmentSource
  readonly clock?: Clock
  /** There are other bytes now where an attachment's were: it has to be replaced by another one. */
  onChanged(id: number): void
}

/** The bytes of pictures and subtitles: kept as files, and fetched again where those are gone. */
export function openAttachments(
  { directory }: AttachmentsOptions,
  { source, clock = systemClock, onChanged }: AttachmentsDeps,
): Attachments {
  const files = new NumberedFiles(directory)
  const closing = new AbortController()
  const flights = new Map<number, Promise<Uint8Array>>()
  const failedUntil = new Map<number, number>()
  let writing = 0

  const keep = async (id: number, bytes: Uint8Array): Promise<void> => {
    writing++
    try {
      await files.write(id, bytes)
    } finally {
      writing--
    }
  }

  const fetchAgain = async (attachment: Attachment): Promise<Uint8Array> => {
    const { id, size, sha256 } = attachment
    let bytes: Uint8Array
    try {
      bytes = await source.fetch(attachment, closing.signal)
    } catch (error) {
      if (failedUntil.size >= maxRemembered) failedUntil.clear()
      failedUntil.set(id, clock.now() + pauseMs)
      throw new AttachmentError('unreadable', `Cannot fetch attachment ${id} again: ${(error as Error).message}`, {
        cause: error,
      })
    }
    if (bytes.length !== size || digestOf(bytes) !== sha256) {
      onChanged(id)
      throw new AttachmentError('changed', `Attachment ${id} has other bytes now than those that were published`)
    }
    await keep(id, bytes).catch(() => {}) // the reader is served all the same
    return bytes
  }

  const flightOf = (attachment: Attachment): Promise<Uint8Array> => {
    const { id } = attachment
    const under = flights.get(id)
    if (under !== undefined) return under
    // Not `not-ready`: a kernel would ask for ever, and whoever reads it hang.
    if ((failedUntil.get(id) ?? 0) > clock.now())
      throw new AttachmentError('unreadable', `Attachment ${id} is not here, and could not be had a moment ago`)
    if (flights.size >= maxFlights)
      throw new AttachmentError('not-ready', `Attachment ${id} is not here, and ${maxFlights} others are on their way`)
    failedUntil.delete(id)
    const flight = fetchAgain(attachment).finally(() => flights.delete(id))
    flight.catch(() => {}) // its readers may have gone
    flights.set(id, flight)
    return flight
  }

  return {
    keep,
    async read(attachment, target, offset, signal) {
      if (await files.read(attachment.id, attachment.size, target, offset)) return
      signal.throwIfAborted()
      const bytes = await within(flightOf(attachment), clock, signal, attachment.id)
      target.set(bytes.subarray(offset, offset + target.length))
    },
    retain: isKept => files.retain(isKept, () => writing === 0),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('The server is stopping'))
      await Promise.allSettled(flights.values())
    },
  }
}

/** SHA-256 in hexadecimal. */
export const digestOf = (bytes: Uint8Array): string => hash('sha256', bytes, 'hex')

async function within(flight: Promise<Uint8Array>, clock: Clock, signal: AbortSignal, id: number): Promise<Uint8Array> {
  const arrived = new AbortController()
  const late = clock.sleep(waitMs, AbortSignal.any([signal, arrived.signal])).then(() => {
    throw new AttachmentError('not-ready', `Attachment ${id} is still on its way after ${waitMs / 1000} s`)
  })
  try {
    return await Promise.race([flight, late])
  } finally {
    arrived.abort()
    late.catch(() => {})
  }
}
