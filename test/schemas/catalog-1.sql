-- A catalogue as schema version 1 was filled by the program of its time: films and shows, one of them gone, one that could not be measured.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE account (
  id integer primary key autoincrement,
  name text not null unique
) strict;
INSERT INTO "account" VALUES(1,'one');
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
INSERT INTO "channel" VALUES(8,1,'news.tv',NULL,NULL,'live/9');
CREATE TABLE episode_list (
  listing_id integer primary key references listing,
  modified_at integer,
  due_at integer,
  fetched_at integer,
  attempts integer not null default 0,
  failure text,
  failed_since integer
) strict;
INSERT INTO "episode_list" VALUES(6,1650000000000,NULL,1700000000000,0,NULL,NULL);
INSERT INTO "episode_list" VALUES(7,1650000000000,NULL,1700000000000,0,NULL,NULL);
CREATE TABLE folder (
  node_id integer primary key,
  library_id integer not null,
  title_id integer not null,
  season integer not null,
  name_key text, -- a title's folder name without letter case: no two may be the same on a client that ignores case
  unique (library_id, title_id, season),
  unique (library_id, name_key)
) strict;
INSERT INTO "folder" VALUES(19,2,7,-1,'night watch (2001)');
INSERT INTO "folder" VALUES(20,2,7,0,NULL);
INSERT INTO "folder" VALUES(22,2,6,-1,'harbour lights (2019)');
INSERT INTO "folder" VALUES(23,2,6,1,NULL);
INSERT INTO "folder" VALUES(27,1,4,-1,'golden stone (2010) {tmdb-603}');
INSERT INTO "folder" VALUES(29,1,3,-1,'winter road (2004) {tmdb-602}');
INSERT INTO "folder" VALUES(31,1,2,-1,'harbour (1999) {tmdb-601}');
INSERT INTO "folder" VALUES(33,1,1,-1,'the last signal (2021) {tmdb-600}');
CREATE TABLE identity (
  only_row integer primary key check (only_row = 1),
  fsid text not null,
  handle_key blob not null
) strict;
INSERT INTO "identity" VALUES(1,'ff794edae066e4e8',X'1870B36746DE8C8133D88CEEAD642A53');
CREATE TABLE library (
  id integer primary key, -- 1 to 30: its bit in listing.libraries
  name text not null unique,
  kind text not null check (kind in ('movie', 'show')),
  filter text not null, -- the JSON of what the whole library was last built with
  node_id integer not null,
  files integer not null default 0
) strict;
INSERT INTO "library" VALUES(1,'Movies','movie','{}',17,4);
INSERT INTO "library" VALUES(2,'TV','show','{}',18,4);
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
INSERT INTO "listing" VALUES(1,1,'movies','movie','1','The Last Signal (2021)',1,'[]','[]',NULL,'[]',2,'gGhAXA8gjL0ZWvH-','BNSD1d5IpyEtOTb7',1600000001000,1700000000000,NULL);
INSERT INTO "listing" VALUES(2,1,'movies','movie','2','Harbour (1999)',2,'[]','[]',NULL,'[]',2,'pIYztQCwrUOhyX8s','W2g2dg97d_0Q58oA',1600000002000,1700000000000,1700003600000);
INSERT INTO "listing" VALUES(3,1,'movies','movie','3','EN - Winter Road (2004) [4K]',3,'["4K"]','["EN"]',NULL,'[]',2,'xNPFx6rwTCD9-61d','ckx6swWB4iAvPjm1',1600000003000,1700000000000,NULL);
INSERT INTO "listing" VALUES(4,1,'movies','movie','4','Golden Stone (2010)',4,'[]','[]',NULL,'[]',2,'aVHqbfjR6f3oOTxf','e0ZwuAdhnDTFKoUd',1600000004000,1700000000000,NULL);
INSERT INTO "listing" VALUES(5,1,'movies','movie','5','Never There (2011)',5,'[]','[]',NULL,'[]',2,'-ycSsx4_0RidBTh0','qYs9-kT2caoAivMN',1600000005000,1700000000000,NULL);
INSERT INTO "listing" VALUES(6,1,'shows','show','7','Harbour Lights (2019)',6,'[]','[]',NULL,'[]',4,'hqD0AWH_g4XUycnj','xqDoHUE0mijgdjPu',NULL,1700000000000,NULL);
INSERT INTO "listing" VALUES(7,1,'shows','show','8','Night Watch (2001)',7,'[]','[]',NULL,'[]',4,'nKIXhjozwBYeHp-x','Y0AhYYXh39dnAT34',NULL,1700000000000,NULL);
INSERT INTO "listing" VALUES(8,1,'channels','channel','9','News',NULL,'[]','[]',NULL,'[]',0,'50xzId6NKQ0wkSfs','zlcBfyr-dDId0HCM',NULL,1700000000000,NULL);
CREATE TABLE node (
  id integer primary key autoincrement,
  parent_id integer not null,
  name text not null,
  size integer not null,
  modified_at integer not null,
  rendition_id integer,
  library_id integer not null,
  unique (parent_id, name)
) strict;
INSERT INTO "node" VALUES(16,0,'',4096,1795713331213,NULL,0);
INSERT INTO "node" VALUES(17,16,'Movies',4096,1700000000004,NULL,1);
INSERT INTO "node" VALUES(18,16,'TV',4096,1700000000002,NULL,2);
INSERT INTO "node" VALUES(19,18,'Night Watch (2001)',4096,1700000000001,NULL,2);
INSERT INTO "node" VALUES(20,19,'Season 00',4096,1700000000001,NULL,2);
INSERT INTO "node" VALUES(21,20,'Night Watch (2001) - s00e01 - Part 0-1.mkv',1000006,1700000000000,1,2);
INSERT INTO "node" VALUES(22,18,'Harbour Lights (2019)',4096,1700000000001,NULL,2);
INSERT INTO "node" VALUES(23,22,'Season 01',4096,1700000000003,NULL,2);
INSERT INTO "node" VALUES(24,23,'Harbour Lights (2019) - s01e01 - Part 1-1.mkv',1000007,1700000000000,2,2);
INSERT INTO "node" VALUES(25,23,'Harbour Lights (2019) - s01e02 - Part 1-2.mkv',1000008,1700000000000,3,2);
INSERT INTO "node" VALUES(26,23,'Harbour Lights (2019) - s01e03 - Part 1-3.mkv',1000009,1700000000000,4,2);
INSERT INTO "node" VALUES(27,17,'Golden Stone (2010) {tmdb-603}',4096,1700000000001,NULL,1);
INSERT INTO "node" VALUES(28,27,'Golden Stone (2010) {tmdb-603}.mkv',1000004,1600000004000,5,1);
INSERT INTO "node" VALUES(29,17,'Winter Road (2004) {tmdb-602}',4096,1700000000001,NULL,1);
INSERT INTO "node" VALUES(30,29,'Winter Road (2004) {tmdb-602}.mkv',1000003,1600000003000,6,1);
INSERT INTO "node" VALUES(31,17,'Harbour (1999) {tmdb-601}',4096,1700000000001,NULL,1);
INSERT INTO "node" VALUES(32,31,'Harbour (1999) {tmdb-601}.mkv',1000002,1600000002000,7,1);
INSERT INTO "node" VALUES(33,17,'The Last Signal (2021) {tmdb-600}',4096,1700000000001,NULL,1);
INSERT INTO "node" VALUES(34,33,'The Last Signal (2021) {tmdb-600}.mkv',1000001,1600000001000,8,1);
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
) strict;
INSERT INTO "rendition" VALUES(1,6,1000006,'mkv',1,'"6"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(2,7,1000007,'mkv',1,'"7"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(3,8,1000008,'mkv',1,'"8"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(4,9,1000009,'mkv',1,'"9"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(5,4,1000004,'mkv',1,'"4"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(6,3,1000003,'mkv',1,'"3"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(7,2,1000002,'mkv',1,'"2"',NULL,1700000000000);
INSERT INTO "rendition" VALUES(8,1,1000001,'mkv',1,'"1"',NULL,1700000000000);
CREATE TABLE sync_report (
  account_id integer primary key references account,
  report text not null
) strict;
INSERT INTO "sync_report" VALUES(1,'{"accountId":"one","startedAt":1700003600000,"finishedAt":1700003600000,"sections":[{"section":"movies","outcome":"complete","listed":4,"unchanged":4,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":1,"duplicates":0,"rejected":0,"heldBack":0},{"section":"shows","outcome":"complete","listed":2,"unchanged":2,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":0,"duplicates":0,"rejected":0,"heldBack":0},{"section":"channels","outcome":"complete","listed":1,"unchanged":1,"added":0,"updated":0,"renumbered":0,"retitled":0,"returned":0,"missing":0,"duplicates":0,"rejected":0,"heldBack":0}],"episodes":{"due":0,"fetched":0,"failed":0,"added":0,"updated":0,"missing":0,"rejected":0},"rejected":[],"warnings":[]}');
CREATE TABLE tally (
  of text not null,
  what text not null,
  count integer not null,
  primary key (of, what)
) strict, without rowid;
INSERT INTO "tally" VALUES('failure','failed',1);
INSERT INTO "tally" VALUES('listing','channel',1);
INSERT INTO "tally" VALUES('listing','movie',5);
INSERT INTO "tally" VALUES('listing','show',2);
INSERT INTO "tally" VALUES('state','measured',8);
INSERT INTO "tally" VALUES('state','waiting',0);
INSERT INTO "tally" VALUES('title','movie',5);
INSERT INTO "tally" VALUES('title','show',2);
INSERT INTO "tally" VALUES('variant','episode',4);
INSERT INTO "tally" VALUES('variant','movie',5);
CREATE TABLE title (
  id integer primary key autoincrement,
  kind text not null check (kind in ('movie', 'show')),
  name text not null,
  year integer,
  tmdb_id text,
  imdb_id text,
  match_key text not null
) strict;
INSERT INTO "title" VALUES(1,'movie','The Last Signal',2021,'600',NULL,'thelastsignal|2021');
INSERT INTO "title" VALUES(2,'movie','Harbour',1999,'601',NULL,'harbour|1999');
INSERT INTO "title" VALUES(3,'movie','Winter Road',2004,'602',NULL,'winterroad|2004');
INSERT INTO "title" VALUES(4,'movie','Golden Stone',2010,'603',NULL,'goldenstone|2010');
INSERT INTO "title" VALUES(5,'movie','Never There',2011,'604',NULL,'neverthere|2011');
INSERT INTO "title" VALUES(6,'show','Harbour Lights',2019,NULL,NULL,'harbourlights|2019');
INSERT INTO "title" VALUES(7,'show','Night Watch',2001,NULL,NULL,'nightwatch|2001');
CREATE TABLE totals (
  only_row integer primary key check (only_row = 1),
  bytes integer not null,
  nodes integer not null
) strict;
INSERT INTO "totals" VALUES(1,8000040,19);
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
  rendition_id integer,
  unique (listing_id, key)
) strict;
INSERT INTO "variant" VALUES(1,1,1,'',NULL,NULL,NULL,'mkv','movie/1.mkv',1600000001000,1700000000000,'gGhAXA8gjL0ZWvH-',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,8);
INSERT INTO "variant" VALUES(2,1,2,'',NULL,NULL,NULL,'mkv','movie/2.mkv',1600000002000,1700000000000,'pIYztQCwrUOhyX8s',NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,7);
INSERT INTO "variant" VALUES(3,1,3,'',NULL,NULL,NULL,'mkv','movie/3.mkv',1600000003000,1700000000000,'xNPFx6rwTCD9-61d',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,6);
INSERT INTO "variant" VALUES(4,1,4,'',NULL,NULL,NULL,'mkv','movie/4.mkv',1600000004000,1700000000000,'aVHqbfjR6f3oOTxf',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,5);
INSERT INTO "variant" VALUES(5,1,5,'',NULL,NULL,NULL,'mkv','movie/5.mkv',1600000005000,1700000000000,'-ycSsx4_0RidBTh0',NULL,NULL,1,1,0,1,1700000045611,'failed','The server said 500',1700000000000,NULL);
INSERT INTO "variant" VALUES(6,1,7,'81',0,1,'Part 0-1','mkv','series/81.mkv',NULL,1700000000000,'e4NeCipm7izRD9ul',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,1);
INSERT INTO "variant" VALUES(7,1,6,'71',1,1,'Part 1-1','mkv','series/71.mkv',NULL,1700000000000,'7CTNPhRFZRHualDD',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,2);
INSERT INTO "variant" VALUES(8,1,6,'72',1,2,'Part 1-2','mkv','series/72.mkv',NULL,1700000000000,'CtrKGjL3xOyU4JoI',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,3);
INSERT INTO "variant" VALUES(9,1,6,'73',1,3,'Part 1-3','mkv','series/73.mkv',NULL,1700000000000,'VmN7YRfWneAMS2Nn',NULL,NULL,1,0,0,0,NULL,NULL,NULL,NULL,4);
CREATE INDEX node_parent on node (parent_id);
CREATE INDEX node_rendition on node (rendition_id) where rendition_id is not null;
CREATE TRIGGER node_added after insert on node begin
  update totals set nodes = nodes + 1, bytes = bytes + iif(new.rendition_id is null, 0, new.size);
  update library set files = files + 1 where id = new.library_id and new.rendition_id is not null;
end;
CREATE TRIGGER node_removed after delete on node begin
  update totals set nodes = nodes - 1, bytes = bytes - iif(old.rendition_id is null, 0, old.size);
  update library set files = files - 1 where id = old.library_id and old.rendition_id is not null;
end;
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
CREATE INDEX variant_waiting on variant (account_id, urgent desc, coalesce(added_at, first_seen_at) desc)
  where pending = 1 and wanted + urgent > 0 and next_try_at is null;
CREATE INDEX variant_paused on variant (account_id, next_try_at)
  where pending = 1 and wanted + urgent > 0 and next_try_at is not null;
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
CREATE TRIGGER variant_changed after update of wanted, pending, failure_code, rendition_id on variant begin
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
CREATE TRIGGER variant_removed after delete on variant begin
  update tally set count = count - 1 where of = 'variant' and what = iif(old.season is null, 'movie', 'episode');
  update tally set count = count - 1 where of = 'state' and what = 'waiting'
    and old.pending and old.wanted and old.failure_code is null;
  update tally set count = count - 1 where of = 'state' and what = 'measured' and old.rendition_id is not null;
  update tally set count = count - 1 where of = 'failure' and what = old.failure_code;
end;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('node',34);
INSERT INTO "sqlite_sequence" VALUES('account',1);
INSERT INTO "sqlite_sequence" VALUES('title',7);
INSERT INTO "sqlite_sequence" VALUES('listing',8);
INSERT INTO "sqlite_sequence" VALUES('variant',9);
INSERT INTO "sqlite_sequence" VALUES('rendition',8);
COMMIT;
