import type { Database } from '../../lib/sqlite.ts'
import type { NodeId, SidecarChoices } from '../model.ts'
import type { TreeWriter } from '../nodes.ts'
import type { Attachments } from './attachments.ts'
import type { Sidecars } from './sidecars.ts'

/** Titles, or files, looked at in one transaction. */
const batch = 200

/** Makes whole libraries carry what they were told to. */
export interface SidecarRefresh {
  /** From now on libraries carry this, by library id. */
  configure(choices: ReadonlyMap<number, SidecarChoices>): void
  /** Brings what is there in line with that. Short transactions; may be repeated. */
  refreshLibrary(libraryId: number): void
  /** Forgets pictures and subtitles that no library carries any more. */
  forgetUnused(): void
}

export interface RefreshParts {
  readonly tree: TreeWriter
  readonly sidecars: Sidecars
  readonly attachments: Attachments
}

export function sidecarRefresh(db: Database, { tree, sidecars, attachments }: RefreshParts): SidecarRefresh {
  type Page = readonly { readonly at: number; readonly subject: number }[]
  const folders = db.prepare<[number, number, number], Page[number]>(`
    select node_id as at, title_id as subject from folder
    where library_id = ? and season = -1 and node_id > ? order by node_id limit ?`)
  const files = db.prepare<[number, number, number], Page[number]>(`
    select n.id as at, r.variant_id as subject from node n join rendition r on r.id = n.rendition_id
    where n.library_id = ? and n.id > ? order by n.id limit ?`)
  const beside = db.prepare<[number, number, number], Page[number]>(`
    select id as at, id as subject from node where library_id = ? and beside_id is not null and id > ? order by id limit ?`)

  let chosen: ReadonlyMap<number, SidecarChoices> = new Map()

  const each = (pages: typeof folders, libraryId: number, act: (subject: number) => void): void => {
    const step = db.transaction((after: NodeId) => {
      const page: Page = pages.all(libraryId, after, batch)
      for (const { subject } of page) act(subject)
      return page.length === batch ? page.at(-1)!.at : undefined
    })
    for (let after: NodeId | undefined = 0; after !== undefined; ) after = step.immediate(after)
  }

  const carrying = (what: 'artwork' | 'subtitles') =>
    [...chosen].filter(([, choices]) => choices[what] === true).map(([id]) => id)

  const prune = db.transaction(() =>
    attachments.prune({ artwork: carrying('artwork'), subtitles: carrying('subtitles') }),
  )

  return {
    configure(choices) {
      chosen = choices
      sidecars.configure(new Map([...choices].filter(([, choice]) => Object.keys(choice).length > 0)))
    },
    refreshLibrary(libraryId) {
      if (Object.keys(chosen.get(libraryId) ?? {}).length === 0) {
        each(beside, libraryId, node => tree.removeSidecar(node))
      } else {
        each(folders, libraryId, titleId => sidecars.refreshFolder(libraryId, titleId))
        each(files, libraryId, variantId => sidecars.refreshFiles(variantId))
      }
    },
    forgetUnused: () => prune.immediate(),
  }
}
