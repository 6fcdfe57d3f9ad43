/** What the large guide's programmes are called, in three languages; all letters are of ISO 8859-1. */
export interface Words {
  /** ISO 639-1. */
  readonly language: string
  readonly firsts: readonly string[]
  readonly seconds: readonly string[]
  readonly people: readonly string[]
  readonly genres: readonly string[]
  readonly news: string
  readonly newsGenre: string
  readonly film: string
  readonly series: string
}

export const languages: readonly Words[] = [
  {
    language: 'en',
    firsts: ['Silent', 'Salt & Iron', 'Northern', 'The Last', 'Borrowed', 'Hidden', 'Second', 'Paper'],
    seconds: ['Harbour', 'Lanterns', 'Tide', 'Witness', 'Café', 'Signal', 'Orchard', 'Crossing'],
    people: ['Ada Quill', 'Tom Marrow', 'Zoë Hart', 'Eli Sands', 'June Okafor', 'Renée Clay'],
    genres: ['Drama', 'Comedy', 'Crime', 'Documentary', 'Sports', 'Children'],
    ...{ news: 'Headlines', newsGenre: 'News', film: 'Movie', series: 'Series' },
  },
  {
    language: 'fr',
    firsts: ['Le Dernier', 'Été &', 'La Forêt et le', 'Étrange', 'Le Petit', 'Demain, le'],
    seconds: ['Théâtre', 'Marché', 'Détour', 'Phare', 'Réveil', 'Cinéma', 'Château'],
    people: ['Zoé Lefèvre', 'Anaïs Côté', 'Rémi Durand', 'Léa Brûlé', 'Éric Noël'],
    genres: ['Drame', 'Comédie', 'Policier', 'Documentaire', 'Sport', 'Jeunesse'],
    ...{ news: 'Journal télévisé', newsGenre: 'Actualités', film: 'Film', series: 'Série' },
  },
  {
    language: 'de',
    firsts: ['Die große', 'Küste &', 'Der stille', 'Über die', 'Zwölf', 'Morgen früh:'],
    seconds: ['Brücke', 'Fähre', 'Straße', 'Gärten', 'Wächter', 'Bühne', 'Stürme'],
    people: ['Jörg Weiß', 'Änne Kühn', 'Bärbel Groß', 'Günther Maß', 'Lotte Brandt'],
    genres: ['Drama', 'Komödie', 'Krimi', 'Dokumentation', 'Sport', 'Kinder'],
    ...{ news: 'Nachrichten', newsGenre: 'Nachrichten', film: 'Spielfilm', series: 'Serie' },
  },
]

const sentences = [
  'A lamp goes out, and nobody in the street remembers when it was lit.',
  'Two sisters share a boat, a debt and an alibi.',
  'The ferry is late again; this time it brings the answer.',
  'An orchestra rehearses for a concert that was cancelled years ago.',
  'What the tide leaves on the steps belongs to whoever rises first.',
  'The witness draws a map, and the map is of another town.',
  'Old letters arrive in the right order for once.',
]
/** One long text of which descriptions are parts. */
const text = Array.from({ length: 200 }, (_, at) => sentences[(at * 5) % sentences.length]).join(' ')

/** So many bytes of prose, without a space at its ends; each number begins at another place. */
export function filler(from: number, bytes: number): string {
  const at = from % 400
  const once = text.slice(at, at + bytes)
  return (once.length < bytes ? once + text.repeat(Math.ceil(bytes / text.length)) : once)
    .slice(0, bytes)
    .replace(/^ | $/g, '.')
}
