/** ISO 639-1 and its 639-2/T counterparts, of the languages that films are spoken in. */
const threeLetters: ReadonlyMap<string, string> = new Map(
  (
    'af afr am amh ar ara az aze be bel bg bul bn ben bs bos ca cat cs ces cy cym da dan de deu el ell en eng eo epo es spa ' +
    'et est eu eus fa fas fi fin fil fil fr fra ga gle gl glg gu guj he heb hi hin hr hrv hu hun hy hye id ind is isl it ita ' +
    'iw heb ja jpn ka kat kk kaz km khm kn kan ko kor ku kur ky kir la lat lb ltz lo lao lt lit lv lav mk mkd ml mal mn mon ' +
    'mr mar ms msa mt mlt my mya nb nob ne nep nl nld nn nno no nor pa pan pl pol ps pus pt por ro ron ru rus sd snd si sin ' +
    'sk slk sl slv so som sq sqi sr srp sv swe sw swa ta tam te tel tg tgk th tha tk tuk tl tgl tr tur uk ukr ur urd uz uzb ' +
    'vi vie xh xho yi yid zh zho zu zul'
  )
    .match(/\S+ \S+/g)!
    .map(pair => pair.split(' ') as [string, string]),
)

const undetermined = 'und'

/** The language of a media header, three letters in 15 bits (ISO/IEC 14496-12 section 8.4.2.3), of a BCP 47 tag or an ISO 639 code. */
export function languageCode(tag: string): number {
  const primary = tag.toLowerCase().split('-')[0]!
  const found = threeLetters.get(primary) ?? (/^[a-z]{3}$/.test(primary) ? primary : undetermined)
  return [...found].reduce((bits, letter) => (bits << 5) | (letter.charCodeAt(0) - 0x60), 0)
}

export const undeterminedCode = languageCode(undetermined)
