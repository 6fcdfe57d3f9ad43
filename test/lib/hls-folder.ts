import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type {
  Outline,
  OutlineSegment,
  OutlineTrack,
  Piece,
  SegmentedTitle,
  SegmentSession,
  SegmentSource,
  SessionOptions,
} from '../../src/making/index.ts'
import { pieceKey } from '../../src/making/work-directory.ts'

/** A failure as adapters throw them: with a code. */
export class SegmentFailure extends Error {
  readonly code: string

  constructor(code: string) {
    super(`The piece cannot be had: ${code}`)
    this.code = code
  }
}

/** One track of a title: a media playlist on disk, as ffmpeg wrote it. */
export interface TrackFiles {
  readonly playlist: string
  readonly kind?: OutlineTrack['kind']
  readonly name?: string
  readonly language?: string
  readonly isDefault?: boolean
  readonly isForced?: boolean
}

/** What a request for a piece does instead of answering with the file's bytes. */
export type PieceFault = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

/** An HLS title whose segments are files, with faults on demand, that keeps a record of what is asked for. */
export class HlsFolder implements SegmentSource {
  readonly outline: Outline
  /** Faults by piece: `0/12` is segment 12 of the main track, `1/map-0` an initialization section. */
  readonly faults = new Map<string, PieceFault>()
  /** Pieces read, in order, by key; the ones that failed too. */
  readonly reads: string[] = []
  /** Sessions that were opened, and those that are open. */
  sessions = 0
  openNow = 0
  readonly #files = new Map<string, string>()

  constructor(tracks: readonly TrackFiles[], changes: Partial<Outline> = {}) {
    this.outline = {
      choice: 'only',
      tracks: tracks.map((track, at) => this.#read(track, at)),
      ...changes,
    }
  }

  async open(_: unknown, options: SessionOptions): Promise<SegmentedTitle> {
    options.signal.throwIfAborted()
    return { outline: this.outline, session: options => this.#session(options) }
  }

  /** The file of a piece. */
  fileOf(track: number, piece: Piece): string {
    return this.#files.get(pieceKey(track, piece))!
  }

  async #session({ signal }: SessionOptions): Promise<SegmentSession> {
    signal.throwIfAborted()
    this.sessions++
    this.openNow++
    return {
      lengthOf: async (track, piece) => {
        const fault = this.faults.get(pieceKey(track, piece))
        const bytes = await readFile(this.fileOf(track, piece))
        if (fault !== undefined) await Promise.resolve(fault(bytes)).catch(refuseGone)
        return bytes.length
      },
      read: async (track, piece) => {
        signal.throwIfAborted()
        const key = pieceKey(track, piece)
        this.reads.push(key)
        const bytes = await readFile(this.fileOf(track, piece))
        return this.faults.get(key)?.(bytes) ?? bytes
      },
      [Symbol.asyncDispose]: async () => {
        this.openNow--
      },
    }
  }

  /** Reads no more of RFC 8216 than ffmpeg writes. */
  #read({ playlist, ...track }: TrackFiles, at: number): OutlineTrack {
    const segments: OutlineSegment[] = []
    const maps: { length?: number }[] = []
    let seconds = 0
    let discontinuity = false
    for (const line of readFileSync(playlist, 'utf8').split('\n')) {
      const [, duration] = /^#EXTINF:([\d.]+)/.exec(line) ?? []
      const [, map] = /^#EXT-X-MAP:URI="([^"]+)"/.exec(line) ?? []
      if (duration !== undefined) seconds = Number(duration)
      if (line === '#EXT-X-DISCONTINUITY') discontinuity = true
      if (map !== undefined) {
        this.#files.set(pieceKey(at, { map: maps.length }), join(dirname(playlist), map))
        maps.push({})
      }
      if (line === '' || line.startsWith('#')) continue
      this.#files.set(pieceKey(at, { segment: segments.length }), join(dirname(playlist), line))
      const inside = maps.length > 0 && { map: maps.length - 1 }
      segments.push({ seconds, discontinuity, gap: false, encrypted: false, ...inside })
      discontinuity = false
    }
    const kind = track.kind ?? (at === 0 ? 'main' : 'audio')
    return { isDefault: false, isForced: false, ...track, kind, maps, segments }
  }
}

function refuseGone(error: { code?: string }): void {
  if (error.code === 'gone') throw error
}
