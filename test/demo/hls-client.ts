import { createDecipheriv } from 'node:crypto'
import { get } from './raw-client.ts'

/** A playlist as a client that knows little reads it. */
export interface ReadPlaylist {
  readonly text: string
  readonly lines: readonly string[]
  /** Addresses, resolved against that of the playlist. */
  readonly pieces: readonly ReadPiece[]
  readonly map?: string
}

export interface ReadPiece {
  readonly url: string
  readonly seconds: number
  /** `bytes=…`, where the playlist names a part. */
  readonly range?: string
  readonly discontinuity: boolean
  readonly key?: { readonly url: string; readonly iv: Buffer }
}

/** Reads the playlist of a track: enough of RFC 8216 section 4.3 for those the demo writes. */
export async function readPlaylist(url: string): Promise<ReadPlaylist> {
  const text = (await get(url)).body.toString()
  const lines = text.split('\n')
  const absolute = (uri: string) => new URL(uri, url).href
  const attribute = (line: string, name: string) => new RegExp(`[:,]${name}="?([^",]*)`).exec(line)?.[1]
  const pieces: ReadPiece[] = []
  let [seconds, offset, discontinuity] = [0, 0, false]
  let number = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)?.[1] ?? 0)
  let range: string | undefined
  let keyLine: string | undefined
  for (const line of lines) {
    if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8))
    if (line === '#EXT-X-DISCONTINUITY') discontinuity = true
    if (line.startsWith('#EXT-X-KEY:')) keyLine = line
    const [, length, start = offset] = /^#EXT-X-BYTERANGE:(\d+)(?:@(\d+))?$/.exec(line) ?? []
    if (length !== undefined) {
      range = `bytes=${start}-${Number(start) + Number(length) - 1}`
      offset = Number(start) + Number(length)
    }
    if (line === '' || line.startsWith('#')) continue
    const sequence = number.toString(16).padStart(32, '0')
    const key = keyLine && {
      url: absolute(attribute(keyLine, 'URI')!),
      iv: Buffer.from(attribute(keyLine, 'IV')?.slice(2) ?? sequence, 'hex'),
    }
    pieces.push({ url: absolute(line), seconds, discontinuity, ...(range && { range }), ...(key && { key }) })
    number++
    range = undefined
    discontinuity = false
  }
  const mapLine = lines.find(line => line.startsWith('#EXT-X-MAP:'))
  return { text, lines, pieces, ...(mapLine && { map: absolute(attribute(mapLine, 'URI')!) }) }
}

/** The playlists that a master playlist leads to, by the name of their track. */
export async function readMaster(url: string): Promise<ReadonlyMap<string, string>> {
  const text = (await get(url)).body.toString()
  const found = [...text.matchAll(/URI="([^"]+)"|^([^#\n].*)$/gm)].map(([, quoted, plain]) => quoted ?? plain!)
  return new Map(found.map(uri => [uri.split('/').at(-2)!, new URL(uri, url).href]))
}

/** The bytes of a piece, decrypted. */
export async function readPiece({ url, range, key }: ReadPiece): Promise<Buffer> {
  const { body } = await get(url, { headers: range === undefined ? {} : { range } })
  if (key === undefined) return body
  const decipher = createDecipheriv('aes-128-cbc', (await get(key.url)).body, key.iv)
  return Buffer.concat([decipher.update(body), decipher.final()])
}
