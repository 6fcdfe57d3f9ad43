import assert from 'node:assert/strict'
import Database from 'better-sqlite3'

/** Throws unless the database is consistent: everything that is stored twice agrees, and nothing dangles. */
export function checkCatalog(path: string): void {
  const db = new Database(path, { readonly: true })
  try {
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok')
    assert.deepEqual(db.pragma('foreign_key_check'), [])
    const none = (what: string, sql: string) => assert.deepEqual(db.prepare(sql).all(), [], what)
    none(
      'files without a rendition',
      'select * from node where rendition_id is not null and rendition_id not in (select id from rendition)',
    )
    none(
      'renditions without a variant',
      'select * from rendition r where not exists (select 1 from variant v where v.rendition_id = r.id and v.id = r.variant_id)',
    )
    none(
      'nodes without a directory',
      'select * from node where parent_id <> 0 and parent_id not in (select id from node where rendition_id is null and beside_id is null)',
    )
    none(
      'empty directories',
      'select * from node n where rendition_id is null and beside_id is null and id <> 16 and id not in (select node_id from library) and not exists (select 1 from node where parent_id = n.id and beside_id is null)',
    )
    none('folders without a directory', 'select * from folder where node_id not in (select id from node)')
    none(
      'directories without a folder',
      'select * from node where rendition_id is null and beside_id is null and id <> 16 and id not in (select node_id from library) and id not in (select node_id from folder)',
    )
    none(
      'measured, wanted, but in no library',
      `
      select * from variant v join listing l on l.id = v.listing_id
      where v.rendition_id is not null and l.libraries <> 0 and not exists (select 1 from node where rendition_id = v.rendition_id)`,
    )
    none(
      'one file twice in a library',
      'select * from node where rendition_id is not null group by rendition_id, library_id having count(*) > 1',
    )
    none(
      "a size that is not the rendition's",
      'select * from node n join rendition r on r.id = n.rendition_id where n.size <> r.size',
    )
    none(
      'sidecars of nothing',
      'select * from node where beside_id is not null and beside_id not in (select id from node where beside_id is null)',
    )
    none(
      'sidecars without content, or the other way round',
      'select id from node where beside_id is not null except select node_id from sidecar',
    )
    none('content of no sidecar', 'select node_id from sidecar except select id from node where beside_id is not null')
    none(
      "a sidecar's size that is not its text's",
      'select * from node n join sidecar s on s.node_id = n.id where s.text is not null and n.size <> length(s.text)',
    )
    none(
      'sidecars of attachments that are not here, or of another size',
      `select * from sidecar s join node n on n.id = s.node_id left join attachment a on a.id = s.attachment_id
      where s.text is null and n.size is not a.size`,
    )
    none('made and yet to be made', 'select * from variant where to_make and (pending or rendition_id is not null)')
    none('layouts of nothing', 'select * from layout where rendition_id not in (select id from rendition)')
    none(
      'instant files without a layout',
      `select * from rendition where (form = 'instant') <> (id in (select rendition_id from layout))`,
    )
    none('ids that are reserved', 'select * from node where id < 16')
    none(
      'titles that nobody lists',
      'select * from title where id not in (select title_id from listing where title_id is not null)',
    )
    none(
      'wanted, but missing',
      `
      select * from variant v join listing l on l.id = v.listing_id
      where v.wanted and (v.missing_since is not null or l.missing_since is not null or l.libraries = 0)`,
    )
    const pairs: Record<string, [string, string]> = {
      bytes: [
        'select bytes from totals',
        'select coalesce(sum(size), 0) from node where rendition_id is not null or beside_id is not null',
      ],
      nodes: ['select nodes from totals', 'select count(*) from node'],
      files: [
        'select coalesce(sum(files), 0) from library',
        'select count(*) from node where rendition_id is not null',
      ],
      titles: [`select coalesce(sum(count), 0) from tally where of = 'title'`, 'select count(*) from title'],
      listings: [`select coalesce(sum(count), 0) from tally where of = 'listing'`, 'select count(*) from listing'],
      variants: [`select coalesce(sum(count), 0) from tally where of = 'variant'`, 'select count(*) from variant'],
      measured: [
        `select coalesce(sum(count), 0) from tally where what = 'measured'`,
        'select count(*) from variant where rendition_id is not null',
      ],
      waiting: [
        `select coalesce(sum(count), 0) from tally where what = 'waiting'`,
        'select count(*) from variant where pending and wanted and failure_code is null',
      ],
      'to make': [
        `select coalesce(sum(count), 0) from tally where what = 'to-make'`,
        'select count(*) from variant where to_make and wanted',
      ],
      'attached bytes': [
        `select coalesce(sum(count), 0) from tally where of = 'attachment' and what = 'bytes'`,
        'select coalesce(sum(size), 0) from attachment',
      ],
      failed: [
        `select coalesce(sum(count), 0) from tally where of = 'failure'`,
        'select count(*) from variant where failure_code is not null',
      ],
    }
    for (const [what, [kept, counted]] of Object.entries(pairs)) {
      assert.equal(db.prepare(kept).pluck().get(), db.prepare(counted).pluck().get(), what)
    }
  } finally {
    db.close()
  }
}
