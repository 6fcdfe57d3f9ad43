import { randomBytes } from 'node:crypto'
import type { Database, Migration } from '../lib/sqlite.ts'

/** The tree's first id. Ids below stand for nothing: READDIR uses 1 and 2 as cookies of `.` and `..`. */
export const rootId = 16

/** What a directory says its size is: any constant will do. */
export const directorySize = 4096

/**
 * `autoincrement` wherever an id reaches a client or a cache: a plain rowid is given out again after a delete.
 * Counts are kept by triggers, so that they cannot part from what they count and nobody ever counts a million rows.
 */
const first = `
create table identity (
  only_row integer primary key check (only_row = 1),
  fsid text not null,
  handle_key blob not null
) strict;

create table totals (
  only_row integer primary key check (only_row = 1),
  bytes integer not null,
  nodes integer not null
) strict;
insert into totals values (1, 0, 0);

create table tally (
  of text not null,
  what text not null,
  count integer not null,
  primary key (of, what)
) strict, without rowid;

-- The tree. A row with a rendition is a file, a row without is a directory. The root's parent is 0, its library too.
create table node (
  id integer primary key autoincrement,
  parent_id integer not null,
  name text not null,
  size integer not null,
  modified_at integer not null,
  rendition_id integer,
  library_id integer not null,
  unique (parent_id, name)
) strict;
create index node_parent on node (parent_id);
create index node_rendition on node (rendition_id) where rendition_id is not null;
insert into sqlite_sequence (name, seq) values ('node', ${rootId - 1});

create table library (
  id integer primary key, -- 1 to 30: its bit in listing.libraries
  name text not null unique,
  kind text not null check (kind in ('movie', 'show')),
  filter text not null, -- the JSON of what the whole library was last built with
  node_id integer not null,
  files integer not null default 0
) strict;

create trigger node_added after insert on node begin
  update totals set nodes = nodes + 1, bytes = bytes + iif(new.rendition_id is null, 0, new.size);
  update library set files = files + 1 where id = new.library_id and new.rendition_id is not null;
end;
create trigger node_removed after delete on node begin
  update totals set nodes = nodes - 1, bytes = bytes - iif(old.rendition_id is null, 0, old.size);
  update library set files = files - 1 where id = old.library_id and old.rendition_id is not null;
end;

create table account (
  id integer primary key autoincrement,
  name text not null unique
) strict;

create table sync_report (
  account_id integer primary key references account,
  report text not null
) strict;

create table rejected (
  id integer primary key autoincrement,
  account_id integer not null references account,
  part text not null, -- a section, or 'show KEY'
  row text not null,
  reason text not null,
  at integer not null
) strict;
create index rejected_part on rejected (account_id, part);

create table category (
  account_id integer not null references account,
  of text not null check (of in ('movie', 'show', 'channel')),
  key text not null,
  name text not null,
  primary key (account_id, of, key)
) strict, without rowid;

create table title (
  id integer primary key autoincrement,
  kind text not null check (kind in ('movie', 'show')),
  name text not null,
  year integer,
  tmdb_id text,
  imdb_id text,
  match_key text not null
) strict;
create index title_tmdb on title (kind, tmdb_id) where tmdb_id is not null;
create index title_imdb on title (kind, imdb_id) where imdb_id is not null;
create index title_match on title (match_key, kind);

-- One row of a provider's list: a film, a show or a channel.
create table listing (
  id integer primary key autoincrement,
  account_id integer not null references account,
  section text not null,
  kind text not null check (kind in ('movie', 'show', 'channel')),
  key text, -- null once the provider has given it to something else
  name text not null,
  title_id integer references title, -- null for channels
  quality text not null, -- JSON array
  languages text not null, -- JSON array
  edition text,
  categories text not null, -- JSON array of keys
  libraries integer not null, -- bit n: belongs in the library with id n
  row_hash text not null,
  fingerprint text not null,
  added_at integer,
  first_seen_at integer not null,
  missing_since integer,
  unique (account_id, kind, key)
) strict;
create index listing_section on listing (account_id, section);
create index listing_fingerprint on listing (account_id, fingerprint);
create index listing_title on listing (title_id) where title_id is not null;
create index listing_missing on listing (missing_since) where missing_since is not null;

create table channel (
  listing_id integer primary key references listing,
  number integer,
  guide_id text,
  archive_days integer,
  logo text,
  locator text not null
) strict;

-- When a show's episodes are to be fetched; due_at is null when nothing is to be done until the show changes.
create table episode_list (
  listing_id integer primary key references listing,
  modified_at integer,
  due_at integer,
  fetched_at integer,
  attempts integer not null default 0,
  failure text,
  failed_since integer
) strict;
create index episode_list_due on episode_list (due_at) where due_at is not null;
create index episode_list_failed on episode_list (listing_id) where failure is not null;

-- One stream: a film's only one, or an episode's.
create table variant (
  id integer primary key autoincrement,
  account_id integer not null,
  listing_id integer not null references listing,
  key text, -- the episode's, '' for a film's, null once the provider has given it to something else
  season integer,
  number integer,
  name text,
  extension text,
  locator text not null,
  added_at integer,
  first_seen_at integer not null,
  row_hash text not null,
  missing_since integer,
  replaces integer, -- the variant that had this key before: the same one after all if the bytes turn out to be the same
  wanted integer not null, -- in a library, and offered
  pending integer not null, -- to be measured
  urgent integer not null default 0, -- published bytes are known to have changed
  attempts integer not null default 0,
  next_try_at integer, -- null: at once
  failure_code text,
  failure_message text,
  failed_since integer,
  rendition_id integer,
  unique (listing_id, key)
) strict;
create index variant_waiting on variant (account_id, urgent desc, coalesce(added_at, first_seen_at) desc)
  where pending = 1 and wanted + urgent > 0 and next_try_at is null;
create index variant_paused on variant (account_id, next_try_at)
  where pending = 1 and wanted + urgent > 0 and next_try_at is not null;
create index variant_failed on variant (id) where failure_code is not null;
create index variant_missing on variant (missing_since) where missing_since is not null;

create table rendition (
  id integer primary key autoincrement,
  variant_id integer not null,
  size integer not null,
  container text not null,
  ranged integer not null,
  etag text,
  last_modified text,
  measured_at integer not null
) strict;

-- Which directory holds what: a title's in a library (season -1), or a season's within it.
create table folder (
  node_id integer primary key,
  library_id integer not null,
  title_id integer not null,
  season integer not null,
  name_key text, -- a title's folder name without letter case: no two may be the same on a client that ignores case
  unique (library_id, title_id, season),
  unique (library_id, name_key)
) strict;

create trigger title_added after insert on title begin
  insert into tally values ('title', new.kind, 1) on conflict do update set count = count + 1;
end;
create trigger title_removed after delete on title begin
  update tally set count = count - 1 where of = 'title' and what = old.kind;
end;
create trigger listing_added after insert on listing begin
  insert into tally values ('listing', new.kind, 1) on conflict do update set count = count + 1;
end;
create trigger listing_removed after delete on listing begin
  update tally set count = count - 1 where of = 'listing' and what = old.kind;
end;
create trigger variant_added after insert on variant begin
  insert into tally values ('variant', iif(new.season is null, 'movie', 'episode'), 1)
    on conflict do update set count = count + 1;
  insert into tally select 'state', 'waiting', 1 where new.pending and new.wanted
    on conflict do update set count = count + 1;
end;
create trigger variant_changed after update of wanted, pending, failure_code, rendition_id on variant begin
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  insert into tally select 'state', 'waiting', 1 where new.pending and new.wanted and new.failure_code is null
    on conflict do update set count = count + 1;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  insert into tally select 'state', 'measured', 1 where new.rendition_id is not null
    on conflict do update set count = count + 1;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
  insert into tally select 'failure', new.failure_code, 1 where new.failure_code is not null
    on conflict do update set count = count + 1;
end;
create trigger variant_removed after delete on variant begin
  update tally set count = count - 1 where of = 'variant' and what = iif(old.season is null, 'movie', 'episode');
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
end;
`

/**
 * Titles that come as HLS playlists or transport streams: what a stream is, which lane of measuring it waits in, whether it
 * waits to be made into a file, and of instant files which segments lie where.
 */
const streams = `
alter table rendition add column form text not null default 'file' check (form in ('file', 'instant', 'made'));

alter table variant add column stream text check (stream in ('file', 'hls', 'ts')); -- null: not looked at yet
alter table variant add column stream_reason text; -- how that was told, and why it is not a file yet
alter table variant add column stream_bytes integer; -- about as much as there is of it, where that is known
alter table variant add column lane text not null default 'measure' check (lane in ('measure', 'index'));
alter table variant add column to_make integer not null default 0;
update variant set stream = 'file' where rendition_id is not null;

drop index variant_waiting;
drop index variant_paused;
create index variant_waiting on variant (account_id, lane, urgent desc, coalesce(added_at, first_seen_at) desc)
  where pending = 1 and wanted + urgent > 0 and next_try_at is null;
create index variant_paused on variant (account_id, lane, next_try_at)
  where pending = 1 and wanted + urgent > 0 and next_try_at is not null;
create index variant_to_make on variant (coalesce(added_at, first_seen_at) desc, id desc) where to_make = 1 and wanted = 1;

-- Written once for each rendition; what is found out later about its segments stands beside it.
create table layout (
  rendition_id integer primary key references rendition on delete cascade,
  layout blob not null,
  findings blob
) strict;

drop trigger variant_changed;
create trigger variant_changed
  after update of wanted, pending, failure_code, rendition_id, to_make on variant begin
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  insert into tally select 'state', 'waiting', 1 where new.pending and new.wanted and new.failure_code is null
    on conflict do update set count = count + 1;
  update tally set count = count - 1 where of = 'state' and what = 'to-make' and old.to_make and old.wanted;
  insert into tally select 'state', 'to-make', 1 where new.to_make and new.wanted
    on conflict do update set count = count + 1;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  insert into tally select 'state', 'measured', 1 where new.rendition_id is not null
    on conflict do update set count = count + 1;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
  insert into tally select 'failure', new.failure_code, 1 where new.failure_code is not null
    on conflict do update set count = count + 1;
end;
drop trigger variant_removed;
create trigger variant_removed after delete on variant begin
  update tally set count = count - 1 where of = 'variant' and what = iif(old.season is null, 'movie', 'episode');
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  update tally set count = count - 1 where of = 'state' and what = 'to-make' and old.to_make and old.wanted;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
end;
`

/**
 * What providers say about titles, and the small files beside them (decision 0008). A node with `beside_id` is such a file: it is
 * there for another node's sake, and goes when that goes.
 */
const sidecars = `
alter table node add column beside_id integer;
create index node_beside on node (beside_id) where beside_id is not null;

drop trigger node_added;
create trigger node_added after insert on node begin
  update totals set nodes = nodes + 1,
    bytes = bytes + iif(new.rendition_id is null and new.beside_id is null, 0, new.size);
  update library set files = files + 1 where id = new.library_id and new.rendition_id is not null;
end;
drop trigger node_removed;
create trigger node_removed after delete on node begin
  update totals set nodes = nodes - 1,
    bytes = bytes - iif(old.rendition_id is null and old.beside_id is null, 0, old.size);
  update library set files = files - 1 where id = old.library_id and old.rendition_id is not null;
end;

alter table library add column sidecars text not null default '{}'; -- the JSON of what its titles were last given

-- Of a listing, JSON: what its provider says about it.
create table about (
  listing_id integer primary key references listing on delete cascade,
  about text not null
) strict;
create table about_season (
  listing_id integer not null references listing on delete cascade,
  season integer not null,
  about text not null,
  primary key (listing_id, season)
) strict, without rowid;
create table about_episode (
  variant_id integer primary key references variant on delete cascade,
  about text not null
) strict;

-- What a node with beside_id holds: its text, or what was fetched.
create table sidecar (
  node_id integer primary key references node on delete cascade,
  text blob,
  attachment_id integer
) strict;
create index sidecar_attachment on sidecar (attachment_id) where attachment_id is not null;

-- A picture of a title or a season, or subtitles of a stream: where it is, and, once its bytes were here, what they are.
create table attachment (
  id integer primary key autoincrement,
  account_id integer not null references account,
  title_id integer references title on delete cascade,
  season integer,
  variant_id integer references variant on delete cascade,
  kind text not null check (kind in ('poster', 'backdrop', 'subtitle')),
  language text not null,
  locator text not null,
  attempts integer not null default 0,
  next_try_at integer, -- null: at once
  failure_code text,
  failure_message text,
  size integer, -- null until it was fetched
  sha256 text,
  extension text
) strict;
create index attachment_title on attachment (title_id);
create index attachment_variant on attachment (variant_id);
create index attachment_waiting on attachment (account_id, id desc) where size is null and next_try_at is null;
create index attachment_paused on attachment (account_id, next_try_at) where size is null and next_try_at is not null;

create trigger attachment_changed after update of size on attachment begin
  insert into tally values ('attachment', 'bytes', coalesce(new.size, 0) - coalesce(old.size, 0))
    on conflict do update set count = count + excluded.count;
  insert into tally values ('attachment', 'files', (new.size is not null) - (old.size is not null))
    on conflict do update set count = count + excluded.count;
end;
create trigger attachment_removed after delete on attachment when old.size is not null begin
  update tally set count = count - old.size where of = 'attachment' and what = 'bytes';
  update tally set count = count - 1 where of = 'attachment' and what = 'files';
end;
`

/** What came of the latest syncs. Accounts by their names: what was synced once stays true when an account is gone. */
const syncHistory = `
create table past_sync (
  id integer primary key,
  account text not null,
  started_at integer not null, -- milliseconds since the epoch
  finished_at integer not null,
  outcome text not null check (outcome in ('complete', 'partial', 'failed')),
  reason text,
  added integer not null,
  updated integer not null,
  missing integer not null,
  episodes integer not null
) strict;
`

/** The permanent numbers of this catalogue: they are in every handle a client holds. */
function identity(db: Database): void {
  db.prepare('insert into identity values (1, ?, ?)').run(randomBytes(8).toString('hex'), randomBytes(16))
  db.prepare(`insert into node (parent_id, name, size, modified_at, library_id) values (0, '', ?, ?, 0)`).run(
    directorySize,
    Date.now(),
  )
}

/** From an empty file to today's schema. A step is never edited once released. */
export const migrations: readonly Migration[] = [
  db => {
    db.exec(first)
    identity(db)
  },
  streams,
  sidecars,
  syncHistory,
]

/** The newest version of the schema. */
export const schemaVersion = migrations.length
