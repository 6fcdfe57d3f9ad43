import {
  type Composer,
  encodeLayout,
  type InstantFile,
  Layout,
  layOut,
  type Piece,
  type SegmentSession,
  type SegmentSource,
} from '../../src/remux/index.ts'
import type { Title } from './hls.ts'

/** A title's segments from memory. Counts what is asked of it, and does what it is told to do instead. */
export class MemorySource implements SegmentSource {
  readonly title: Title
  /** Every read: `0 3` is segment 3 of track 0, `1 map` a section. */
  readonly reads: string[] = []
  sessions = 0
  connected = 0
  /** Called before a piece is read. */
  onRead: (name: string, signal: AbortSignal) => Promise<void> | void = () => {}
  onLength: (name: string) => void = () => {}
  yieldable: boolean | undefined

  constructor(title: Title) {
    this.title = title
  }

  async open() {
    return {
      outline: this.title.outline,
      session: async ({ signal }: { signal: AbortSignal }): Promise<SegmentSession> => {
        this.sessions++
        this.connected++
        return {
          lengthOf: async (track, piece) => {
            this.onLength(nameOf(track, piece))
            return this.#bytes(track, piece).length
          },
          read: async (track, piece) => {
            signal.throwIfAborted()
            this.reads.push(nameOf(track, piece))
            await this.onRead(nameOf(track, piece), signal)
            return Uint8Array.from(this.#bytes(track, piece))
          },
          yieldable: value => {
            this.yieldable = value
          },
          [Symbol.asyncDispose]: async () => {
            this.connected--
          },
        }
      },
    }
  }

  #bytes(track: number, piece: Piece): Uint8Array {
    return 'map' in piece ? this.title.maps[track]![piece.map]! : this.title.segments[track]![piece.segment]!
  }
}

const nameOf = (track: number, piece: Piece) => `${track} ${'map' in piece ? 'map' : piece.segment}`

/** The title's plan; throws why there is none. */
export function planOf({ outline, lengths }: Title): Layout {
  const planned = layOut(outline, lengths)
  if (planned instanceof Layout) return planned
  throw new Error(`${planned.unfit}: ${planned.message}`)
}

export function fileOf(title: Title, findings?: Uint8Array): InstantFile {
  return { id: 16, accountId: 'a', locator: 'l', layout: encodeLayout(planOf(title)), findings }
}

const options = { priority: 'play', signal: new AbortController().signal } as const

/** All bytes of a range. */
export async function readRange(composer: Composer, file: InstantFile, from: number, to?: number): Promise<Buffer> {
  await using body = await composer.open(file, { from, to }, options)
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks) chunks.push(Uint8Array.from(chunk))
  return Buffer.concat(chunks)
}
