-- A catalogue as schema version 4 was filled by the program of its time: that of version 3 after two more syncs.
PRAGMA user_version=4;
BEGIN TRANSACTION;
CREATE TABLE about (
  listing_id integer primary key references listing on delete cascade,
  about text not null
) strict;
INSERT INTO about VALUES(1,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
INSERT INTO about VALUES(2,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
INSERT INTO about VALUES(3,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
INSERT INTO about VALUES(4,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
INSERT INTO about VALUES(5,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
INSERT INTO about VALUES(6,'{"description":{"plot":"A house by the sea.","genres":["Drama"],"rating":7.5}}');
CREATE TABLE about_episode (
  variant_id integer primary key references variant on delete cascade,
  about text not null
) strict;
CREATE TABLE about_season (
  listing_id integer not null references listing on delete cascade,
  season integer not null,
  about text not null,
  primary key (listing_id, season)
) strict, without rowid;
CREATE TABLE account (
  id integer primary key autoincrement,
  name text not null unique
) strict;
INSERT INTO account VALUES(1,'one');
CREATE TABLE attachment (
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
CREATE TABLE category (
  account_id integer not null references account,
  of text not null check (of in ('movie', 'show', 'channel')),
  key text not null,
  name text not null,
  primary key (account_id, of, key)
) strict, without rowid;
CREATE TABLE channel (
  listing_id integer primary key references listing,
  number integer,
  guide_id text,
  archive_days integer,
  logo text,
  locator text not null
) strict;
INSERT INTO channel VALUES(8,1,'news.tv',NULL,NULL,'live/9');
CREATE TABLE episode_list (
  listing_id integer primary key references listing,
  modified_at integer,
  due_at integer,
  fetched_at integer,
  attempts integer not null default 0,
  failure text,
  failed_since integer
) strict;
INSERT INTO episode_list VALUES(6,1650000000000,NULL,1700000000000,0,NULL,NULL);
INSERT INTO episode_list VALUES(7,1650000000000,NULL,1700000000000,0,NULL,NULL);
CREATE TABLE folder (
  node_id integer primary key,
  library_id integer not null,
  title_id integer not null,
  season integer not null,
  name_key text, -- a title's folder name without letter case: no two may be the same on a client that ignores case
  unique (library_id, title_id, season),
  unique (library_id, name_key)
) strict;
INSERT INTO folder VALUES(19,2,7,-1,'night watch (2001)');
INSERT INTO folder VALUES(20,2,7,0,NULL);
INSERT INTO folder VALUES(22,2,6,-1,'harbour lights (2019)');
INSERT INTO folder VALUES(23,2,6,1,NULL);
INSERT INTO folder VALUES(27,1,3,-1,'winter road (2004) {tmdb-602}');
INSERT INTO folder VALUES(29,1,2,-1,'harbour (1999) {tmdb-601}');
INSERT INTO folder VALUES(31,1,1,-1,'the last signal (2021) {tmdb-600}');
CREATE TABLE identity (
  only_row integer primary key check (only_row = 1),
  fsid text not null,
  handle_key blob not null
) strict;
INSERT INTO identity VALUES(1,'ecdb9f10cbc7128b',X'0e94258c2c55043a46d3adc5cc9c5baf');
CREATE TABLE layout (
  rendition_id integer primary key references rendition on delete cascade,
  layout blob not null,
  findings blob
) strict;
CREATE TABLE library (
  id integer primary key, -- 1 to 30: its bit in listing.libraries
  name text not null unique,
  kind text not null check (kind in ('movie', 'show')),
  filter text not null, -- the JSON of what the whole library was last built with
  node_id integer not null,
  files integer not null default 0
, sidecars text not null default '{}') strict;
INSERT INTO library VALUES(1,'Movies','movie','{}',17,3,'{}');
INSERT INTO library VALUES(2,'TV','show','{}',18,4,'{}');
CREATE TABLE listing (
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
INSERT INTO listing VALUES(1,1,'movies','movie','1','The Last Signal (2021)',1,'[]','[]',NULL,'[]',2,'tFIJwTbNk8D3__cz','BNSD1d5IpyEtOTb7',1600000001000,1700000000000,NULL);
INSERT INTO listing VALUES(2,1,'movies','movie','2','Harbour (1999)',2,'[]','[]',NULL,'[]',2,'LPLH2D_VaUhHxzFl','W2g2dg97d_0Q58oA',1600000002000,1700000000000,1700003600000);
INSERT INTO listing VALUES(3,1,'movies','movie','3','EN - Winter Road (2004) [4K]',3,'["4K"]','["EN"]',NULL,'[]',2,'Aqlgv_rDPJIZu55X','ckx6swWB4iAvPjm1',1600000003000,1700000000000,NULL);
INSERT INTO listing VALUES(4,1,'movies','movie','4','Golden Stone (2010)',4,'[]','[]',NULL,'[]',2,'BWcFXF75CyECMrH2','e0ZwuAdhnDTFKoUd',1600000004000,1700000000000,NULL);
INSERT INTO listing VALUES(5,1,'movies','movie','5','Never There (2011)',5,'[]','[]',NULL,'[]',2,'wMuQrTtdfG43dSML','qYs9-kT2caoAivMN',1600000005000,1700000000000,NULL);
INSERT INTO listing VALUES(6,1,'shows','show','7','Harbour Lights (2019)',6,'[]','[]',NULL,'[]',4,'WnPfD1ZnNiu50c0b','xqDoHUE0mijgdjPu',NULL,1700000000000,NULL);
INSERT INTO listing VALUES(7,1,'shows','show','8','Night Watch (2001)',7,'[]','[]',NULL,'[]',4,'klarII-aKv1demWv','Y0AhYYXh39dnAT34',NULL,1700000000000,NULL);
INSERT INTO listing VALUES(8,1,'channels','channel','9','News',NULL,'[]','[]',NULL,'[]',0,'vFTAZX2ztXrwm-RF','zlcBfyr-dDId0HCM',NULL,1700000000000,NULL);
CREATE TABLE node (
  id integer primary key autoincrement,
  parent_id integer not null,
  name text not null,
  size integer not null,
  modified_at integer not null,
  rendition_id integer,
  library_id integer not null, beside_id integer,
  unique (parent_id, name)
) strict;
INSERT INTO node VALUES(16,0,'',4096,1795713333460,NULL,0,NULL);
INSERT INTO node VALUES(17,16,'Movies',4096,1700000000003,NULL,1,NULL);
INSERT INTO node VALUES(18,16,'TV',4096,1700000000002,NULL,2,NULL);
INSERT INTO node VALUES(19,18,'Night Watch (2001)',4096,1700000000001,NULL,2,NULL);
INSERT INTO node VALUES(20,19,'Season 00',4096,1700000000001,NULL,2,NULL);
INSERT INTO node VALUES(21,20,'Night Watch (2001) - s00e01 - Part 0-1.mkv',1000006,1700000000000,1,2,NULL);
INSERT INTO node VALUES(22,18,'Harbour Lights (2019)',4096,1700000000001,NULL,2,NULL);
INSERT INTO node VALUES(23,22,'Season 01',4096,1700000000003,NULL,2,NULL);
INSERT INTO node VALUES(24,23,'Harbour Lights (2019) - s01e01 - Part 1-1.mkv',1000007,1700000000000,2,2,NULL);
INSERT INTO node VALUES(25,23,'Harbour Lights (2019) - s01e02 - Part 1-2.mkv',1000008,1700000000000,3,2,NULL);
INSERT INTO node VALUES(26,23,'Harbour Lights (2019) - s01e03 - Part 1-3.mkv',1000009,1700000000000,4,2,NULL);
INSERT INTO node VALUES(27,17,'Winter Road (2004) {tmdb-602}',4096,1700000000001,NULL,1,NULL);
INSERT INTO node VALUES(28,27,'Winter Road (2004) {tmdb-602}.mkv',1000003,1600000003000,5,1,NULL);
INSERT INTO node VALUES(29,17,'Harbour (1999) {tmdb-601}',4096,1700000000001,NULL,1,NULL);
INSERT INTO node VALUES(30,29,'Harbour (1999) {tmdb-601}.mkv',1000002,1600000002000,6,1,NULL);
INSERT INTO node VALUES(31,17,'The Last Signal (2021) {tmdb-600}',4096,1700000000001,NULL,1,NULL);
INSERT INTO node VALUES(32,31,'The Last Signal (2021) {tmdb-600}.mkv',1000001,1600000001000,7,1,NULL);
CREATE TABLE rejected (
  id integer primary key autoincrement,
  account_id integer not null references account,
  part text not null, -- a section, or 'show KEY'
  row text not null,
  reason text not null,
  at integer not null
) strict;
CREATE TABLE rendition (
  id integer primary key autoincrement,
  variant_id integer not null,
  size integer not null,
  container text not null,
  ranged integer not null,
  etag text,
  last_modified text,
  measured_at integer not null
, form text not null default 'file' check (form in ('file', 'instant', 'made'))) strict;
INSERT INTO rendition VALUES(1,6,1000006,'mkv',1,'"6"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(2,7,1000007,'mkv',1,'"7"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(3,8,1000008,'mkv',1,'"8"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(4,9,1000009,'mkv',1,'"9"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(5,3,1000003,'mkv',1,'"3"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(6,2,1000002,'mkv',1,'"2"',NULL,1700000000000,'file');
INSERT INTO rendition VALUES(7,1,1000001,'mkv',1,'"1"',NULL,1700000000000,'file');
CREATE TABLE sidecar (
  node_id integer primary key references node on delete cascade,
  text blob,
  attachment_id integer
) strict;
CREATE TABLE sync_report (
  account_id integer primary key references account,
  report text not null
) strict;
INSERT INTO sync_report VALUES(1,'{"accountId":"one","startedAt":1700003600000,"finishedAt":1700003600000,"sections":[{"section":"movies","outcome":"complete","listed":4,"unchanged":4,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":1,"duplicates":0,"rejected":0,"heldBack":0},{"section":"shows","outcome":"complete","listed":2,"unchanged":2,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":0,"duplicates":0,"rejected":0,"heldBack":0},{"section":"channels","outcome":"complete","listed":1,"unchanged":1,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":0,"duplicates":0,"rejected":0,"heldBack":0}],"episodes":{"due":0,"fetched":0,"failed":0,"added":0,"updated":0,"missing":0,"rejected":0},"rejected":[],"warnings":[]}');
CREATE TABLE tally (
  of text not null,
  what text not null,
  count integer not null,
  primary key (of, what)
) strict, without rowid;
INSERT INTO tally VALUES('failure','failed',2);
INSERT INTO tally VALUES('listing','channel',1);
INSERT INTO tally VALUES('listing','movie',5);
INSERT INTO tally VALUES('listing','show',2);
INSERT INTO tally VALUES('state','measured',7);
INSERT INTO tally VALUES('state','waiting',0);
INSERT INTO tally VALUES('title','movie',5);
INSERT INTO tally VALUES('title','show',2);
INSERT INTO tally VALUES('variant','episode',4);
INSERT INTO tally VALUES('variant','movie',5);
CREATE TABLE title (
  id integer primary key autoincrement,
  kind text not null check (kind in ('movie', 'show')),
  name text not null,
  year integer,
  tmdb_id text,
  imdb_id text,
  match_key text not null
) strict;
INSERT INTO title VALUES(1,'movie','The Last Signal',2021,'600',NULL,'thelastsignal|2021');
INSERT INTO title VALUES(2,'movie','Harbour',1999,'601',NULL,'harbour|1999');
INSERT INTO title VALUES(3,'movie','Winter Road',2004,'602',NULL,'winterroad|2004');
INSERT INTO title VALUES(4,'movie','Golden Stone',2010,'603',NULL,'goldenstone|2010');
INSERT INTO title VALUES(5,'movie','Never There',2011,'604',NULL,'neverthere|2011');
INSERT INTO title VALUES(6,'show','Harbour Lights',2019,NULL,NULL,'harbourlights|2019');
INSERT INTO title VALUES(7,'show','Night Watch',2001,NULL,NULL,'nightwatch|2001');
CREATE TABLE totals (
  only_row integer primary key check (only_row = 1),
  bytes integer not null,
  nodes integer not null
) strict;
INSERT INTO totals VALUES(1,7000036,17);
CREATE TABLE variant (
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
  rendition_id integer, stream text check (stream in ('file', 'hls', 'ts')), stream_reason text, stream_bytes integer, lane text not null default 'measure' check (lane in ('measure', 'index')), to_make integer not null default 0,
  unique (listing_id, key)
) strict;
INSERT INTO variant VALUES(1,1,1,'',NULL,NULL,NULL,'mkv','movie/1.mkv',1600000001000,1700000000000,'tFIJwTbNk8D3__cz',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,7,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(2,1,2,'',NULL,NULL,NULL,'mkv','movie/2.mkv',1600000002000,1700000000000,'LPLH2D_VaUhHxzFl',NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,6,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(3,1,3,'',NULL,NULL,NULL,'mkv','movie/3.mkv',1600000003000,1700000000000,'Aqlgv_rDPJIZu55X',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,5,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(4,1,4,'',NULL,NULL,NULL,'mkv','movie/4.mkv',1600000004000,1700000000000,'BWcFXF75CyECMrH2',NULL,NULL,1,1,0,1,1700000052254,'failed','x',1700000000000,NULL,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(5,1,5,'',NULL,NULL,NULL,'mkv','movie/5.mkv',1600000005000,1700000000000,'wMuQrTtdfG43dSML',NULL,NULL,1,1,0,1,1700000050391,'failed','The server said 500',1700000000000,NULL,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(6,1,7,'81',0,1,'Part 0-1','mkv','series/81.mkv',NULL,1700000000000,'MLjj39gMxkocsG_X',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(7,1,6,'71',1,1,'Part 1-1','mkv','series/71.mkv',NULL,1700000000000,'Oc-eUdT0xu_U2mJz',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(8,1,6,'72',1,2,'Part 1-2','mkv','series/72.mkv',NULL,1700000000000,'IOcKC3RqbBup2B5q',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,3,NULL,NULL,NULL,'measure',0);
INSERT INTO variant VALUES(9,1,6,'73',1,3,'Part 1-3','mkv','series/73.mkv',NULL,1700000000000,'lP2vVzdP3jvJKiDn',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,4,NULL,NULL,NULL,'measure',0);
CREATE TABLE past_sync (
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
INSERT INTO past_sync VALUES(1,'one',1700003600000,1700003600000,'complete',NULL,0,0,1,0);
INSERT INTO past_sync VALUES(2,'one',1700003600000,1700003600000,'failed','movies: HTTP 503',0,0,1,0);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('node',32);
INSERT INTO sqlite_sequence VALUES('account',1);
INSERT INTO sqlite_sequence VALUES('title',7);
INSERT INTO sqlite_sequence VALUES('listing',8);
INSERT INTO sqlite_sequence VALUES('variant',9);
INSERT INTO sqlite_sequence VALUES('rendition',7);
CREATE INDEX node_parent on node (parent_id);
CREATE INDEX node_rendition on node (rendition_id) where rendition_id is not null;
CREATE INDEX rejected_part on rejected (account_id, part);
CREATE INDEX title_tmdb on title (kind, tmdb_id) where tmdb_id is not null;
CREATE INDEX title_imdb on title (kind, imdb_id) where imdb_id is not null;
CREATE INDEX title_match on title (match_key, kind);
CREATE INDEX listing_section on listing (account_id, section);
CREATE INDEX listing_fingerprint on listing (account_id, fingerprint);
CREATE INDEX listing_title on listing (title_id) where title_id is not null;
CREATE INDEX listing_missing on listing (missing_since) where missing_since is not null;
CREATE INDEX episode_list_due on episode_list (due_at) where due_at is not null;
CREATE INDEX episode_list_failed on episode_list (listing_id) where failure is not null;
CREATE INDEX variant_failed on variant (id) where failure_code is not null;
CREATE INDEX variant_missing on variant (missing_since) where missing_since is not null;
CREATE TRIGGER title_added after insert on title begin
  insert into tally values ('title', new.kind, 1) on conflict do update set count = count + 1;
end;
CREATE TRIGGER title_removed after delete on title begin
  update tally set count = count - 1 where of = 'title' and what = old.kind;
end;
CREATE TRIGGER listing_added after insert on listing begin
  insert into tally values ('listing', new.kind, 1) on conflict do update set count = count + 1;
end;
CREATE TRIGGER listing_removed after delete on listing begin
  update tally set count = count - 1 where of = 'listing' and what = old.kind;
end;
CREATE TRIGGER variant_added after insert on variant begin
  insert into tally values ('variant', iif(new.season is null, 'movie', 'episode'), 1)
    on conflict do update set count = count + 1;
  insert into tally select 'state', 'waiting', 1 where new.pending and new.wanted
    on conflict do update set count = count + 1;
end;
CREATE INDEX variant_waiting on variant (account_id, lane, urgent desc, coalesce(added_at, first_seen_at) desc)
  where pending = 1 and wanted + urgent > 0 and next_try_at is null;
CREATE INDEX variant_paused on variant (account_id, lane, next_try_at)
  where pending = 1 and wanted + urgent > 0 and next_try_at is not null;
CREATE INDEX variant_to_make on variant (coalesce(added_at, first_seen_at) desc, id desc) where to_make = 1 and wanted = 1;
CREATE TRIGGER variant_changed
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
CREATE TRIGGER variant_removed after delete on variant begin
  update tally set count = count - 1 where of = 'variant' and what = iif(old.season is null, 'movie', 'episode');
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  update tally set count = count - 1 where of = 'state' and what = 'to-make' and old.to_make and old.wanted;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
end;
CREATE INDEX node_beside on node (beside_id) where beside_id is not null;
CREATE TRIGGER node_added after insert on node begin
  update totals set nodes = nodes + 1,
    bytes = bytes + iif(new.rendition_id is null and new.beside_id is null, 0, new.size);
  update library set files = files + 1 where id = new.library_id and new.rendition_id is not null;
end;
CREATE TRIGGER node_removed after delete on node begin
  update totals set nodes = nodes - 1,
    bytes = bytes - iif(old.rendition_id is null and old.beside_id is null, 0, old.size);
  update library set files = files - 1 where id = old.library_id and old.rendition_id is not null;
end;
CREATE INDEX sidecar_attachment on sidecar (attachment_id) where attachment_id is not null;
CREATE INDEX attachment_title on attachment (title_id);
CREATE INDEX attachment_variant on attachment (variant_id);
CREATE INDEX attachment_waiting on attachment (account_id, id desc) where size is null and next_try_at is null;
CREATE INDEX attachment_paused on attachment (account_id, next_try_at) where size is null and next_try_at is not null;
CREATE TRIGGER attachment_changed after update of size on attachment begin
  insert into tally values ('attachment', 'bytes', coalesce(new.size, 0) - coalesce(old.size, 0))
    on conflict do update set count = count + excluded.count;
  insert into tally values ('attachment', 'files', (new.size is not null) - (old.size is not null))
    on conflict do update set count = count + excluded.count;
end;
CREATE TRIGGER attachment_removed after delete on attachment when old.size is not null begin
  update tally set count = count - old.size where of = 'attachment' and what = 'bytes';
  update tally set count = count - 1 where of = 'attachment' and what = 'files';
end;
COMMIT;
