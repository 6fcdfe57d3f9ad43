import type { Migration } from '../lib/sqlite.ts'

/**
 * `document`: what was fetched of a source; the one in `source.document_id` is used. Its channels are listed once, its programmes
 * imported for those that are linked, under an `import_id` that becomes the document's when all are there: so readers see whole
 * imports only, and what a crash leaves belongs to none.
 */
const first = `
create table source (
  id integer primary key autoincrement,
  name text not null unique,
  document_id integer,
  checked_at integer,
  error text
) strict;

create table document (
  id integer primary key autoincrement,
  source_id integer not null,
  file text not null, -- in the directory sources
  digest text not null,
  etag text,
  last_modified text,
  bytes integer not null,
  fetched_at integer not null,
  channels integer not null,
  programmes integer not null,
  broken text,
  problems text not null, -- JSON
  import_id integer,
  imported_from integer not null default 0,
  imported_to integer not null default 0
) strict;

create table source_channel (
  id integer primary key autoincrement,
  document_id integer not null,
  key text not null,
  names text not null, -- JSON
  programmes integer not null,
  import_id integer, -- the last one that it was part of
  unique (document_id, key)
) strict;

create table programme (
  id integer primary key autoincrement,
  import_id integer not null,
  channel_id integer not null, -- a source_channel
  start integer not null,
  stop integer,
  content text not null -- XML, without the element around it
) strict;
create index programme_place on programme (import_id, channel_id, start);

create table import_number (last integer not null) strict;
insert into import_number values (0);

-- What providers tell of single channels.
create table short_programme (
  channel_id integer not null, -- of ours
  start integer not null,
  stop integer not null,
  content text not null,
  primary key (channel_id, start)
) strict, without rowid;
create table short_asked (
  channel_id integer primary key,
  asked_at integer not null
) strict;

create table output (
  device integer primary key,
  file text not null,
  bytes integer not null,
  gzip_bytes integer not null,
  etag text not null,
  modified_at integer not null,
  previous_file text -- may still be read by somebody
) strict;

create table last_report (report text not null) strict;
`

/** From an empty file to today's schema. A step is never edited once released. */
export const migrations: readonly Migration[] = [first]
