import type { Attributes } from './attributes.ts'

const maxVariables = 1000
/** Values may hold other variables: without a limit a few lines would make gigabytes. */
const maxValueChars = 16 * 1024

/**
 * The variables of a playlist (EXT-X-DEFINE, draft-pantos-hls-rfc8216bis section 4.4.2.3): named in it, taken over from
 * its master playlist, or parameters of its own address.
 */
export class Variables {
  readonly #values = new Map<string, string>()
  readonly #imported: ReadonlyMap<string, string>
  readonly #parameters: URLSearchParams

  constructor(address: URL, imported: ReadonlyMap<string, string>) {
    this.#imported = imported
    this.#parameters = address.searchParams
  }

  get values(): ReadonlyMap<string, string> {
    return this.#values
  }

  /** Takes the attributes of a tag. One that defines nothing is left out: what is missing matters only where it is used. */
  define(attributes: Attributes): void {
    const imported = attributes.get('IMPORT')
    const parameter = attributes.get('QUERYPARAM')
    this.#set(attributes.get('NAME'), attributes.get('VALUE'))
    if (imported !== undefined) this.#set(imported, this.#imported.get(imported))
    if (parameter !== undefined) this.#set(parameter, this.#parameters.get(parameter) ?? undefined)
  }

  /** The text with each `{$name}` replaced by its value; undefined when one has none, or the text grows beyond the limit. */
  filled(text: string): string | undefined {
    if (!text.includes('{$')) return text
    let missing = false
    let chars = text.length
    const filled = text.replace(/\{\$([\w-]+)\}/g, (_, name: string) => {
      const value = this.#values.get(name)
      chars += value?.length ?? 0
      missing ||= value === undefined || chars > maxValueChars
      return missing ? '' : value!
    })
    return missing ? undefined : filled
  }

  #set(name: string | undefined, value: string | undefined): void {
    if (name === undefined || value === undefined || value.length > maxValueChars) return
    if (this.#values.size < maxVariables) this.#values.set(name, value)
  }
}
