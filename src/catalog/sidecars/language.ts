/** The words that providers have for the languages of subtitles, where they write no code. */
const named: Readonly<Record<string, string>> = {
  ...{ english: 'en', french: 'fr', français: 'fr', german: 'de', deutsch: 'de', spanish: 'es', español: 'es' },
  ...{ italian: 'it', italiano: 'it', portuguese: 'pt', português: 'pt', dutch: 'nl', nederlands: 'nl', arabic: 'ar' },
  ...{ turkish: 'tr', türkçe: 'tr', polish: 'pl', polski: 'pl', russian: 'ru', русский: 'ru', greek: 'el' },
  ...{ swedish: 'sv', norwegian: 'no', danish: 'da', finnish: 'fi', romanian: 'ro', hungarian: 'hu', czech: 'cs' },
  ...{ hebrew: 'he', hindi: 'hi', chinese: 'zh', japanese: 'ja', korean: 'ko', bulgarian: 'bg', croatian: 'hr' },
}

/**
 * A language as file names of subtitles have it: `en`, `eng`, `pt-br`; '' for what nobody knows. `text` is the provider's word, or the
 * end of the file's own name (`film.en.srt`).
 */
export function languageCode(text: string): string {
  const word = text.trim().toLowerCase()
  if (/^[a-z]{2,3}(?:-[a-z]{2})?$/.test(word)) return word
  return named[word.split(/[\s([_-]/)[0] ?? ''] ?? ''
}

/** The language that the name of a file ends in. */
export function languageOfAddress(locator: string): string {
  return languageCode(/[._-]([a-z]{2,3})\.\w+$/i.exec(locator.split(/[?|]/)[0]!)?.[1] ?? '')
}
