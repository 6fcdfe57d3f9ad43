import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fastify, { type FastifyInstance } from 'fastify'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { guideIdOf } from '../../src/lineup/guide-ids.ts'
import type { WantedTuners } from '../../src/plex/ports.ts'
import { type GuideFile, type TunerDevice, tunerRoutes } from '../../src/tuner/index.ts'

/** The program's own tuner, listening, with as many channels on each device as are asked for. */
export class ServedTuners implements AsyncDisposable {
  readonly #app: FastifyInstance
  readonly #folder: string
  #devices: TunerDevice[] = []
  #guides = new Map<number, GuideFile>()
  base = ''
  guideModifiedAt = 1_600_000_000_000

  private constructor(folder: string) {
    this.#folder = folder
    this.#app = fastify()
    this.#app.register(
      tunerRoutes({
        devices: () => ({ isReady: true, devices: this.#devices }),
        streams: { tuners: () => [] } as never, // nobody tunes in here
        guides: { latest: device => this.#guides.get(device) },
        ...{ log: silentLog, clock: systemClock },
      }),
    )
  }

  static async start(folder: string, counts: readonly number[]): Promise<ServedTuners> {
    mkdirSync(folder, { recursive: true })
    const served = new ServedTuners(folder)
    served.set(counts)
    await served.listen()
    return served
  }

  async listen(): Promise<void> {
    this.base = await this.#app.listen({ port: 0, host: '127.0.0.1' })
  }

  /** Channels of each device. Numbers begin at 1000 and go on from device to device. `without`: numbers the guide lacks. */
  set(counts: readonly number[], without: readonly string[] = []): void {
    let next = 1
    this.#devices = counts.map((count, index) => ({
      ...{ index, deviceId: `1044AA${(0x10 + index).toString(16).toUpperCase()}`, tuners: 2, scanPossible: true },
      name: `reelport ${index + 1}`,
      channels: Array.from({ length: count }, () => {
        const id = next++
        const number = String(999 + id)
        const flags = { isHd: false, isFavorite: false, archiveDays: 0 }
        return { id, number, guideId: guideIdOf(id), name: `Channel ${number}`, ...flags }
      }),
    }))
    this.#guides = new Map(this.#devices.map(device => [device.index, this.#guide(device, without)]))
  }

  /** What Plex is to have of these. */
  wanted(): WantedTuners {
    return {
      ...{ base: this.base, language: 'eng' },
      tuners: this.#devices.map(({ index, deviceId, name, channels }) => {
        const uri = index === 0 ? this.base : `${this.base}/d${index}`
        return { deviceId, name, uri, guideUrl: `${uri}/guide.xml`, guideModifiedAt: this.guideModifiedAt, channels }
      }),
    }
  }

  #guide({ index, channels }: TunerDevice, without: readonly string[]): GuideFile {
    const rows = channels
      .filter(({ number }) => !without.includes(number))
      .map(({ guideId, number, name }) => {
        const names = [`${number} ${name}`, number, name].map(text => `<display-name>${text}</display-name>`)
        return `<channel id="${guideId}">${names.join('')}</channel>`
      })
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<tv>${rows.join('\n')}</tv>\n`
    const path = join(this.#folder, `guide-${index}.xml`)
    writeFileSync(path, xml)
    writeFileSync(`${path}.gz`, gzipSync(xml))
    const bytes = Buffer.byteLength(xml)
    const packed = gzipSync(xml).length
    return {
      path,
      gzipPath: `${path}.gz`,
      bytes,
      gzipBytes: packed,
      etag: `"${index}"`,
      modifiedAt: this.guideModifiedAt,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close()
  }
}
