-- One source with one programme, one short guide, one file.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE document (
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
INSERT INTO "document" VALUES(1,1,'1.xml','ab',NULL,NULL,100,1700000000000,1,1,NULL,'{}',1,0,0);
CREATE TABLE import_number (last integer not null) strict;
INSERT INTO "import_number" VALUES(1);
CREATE TABLE last_report (report text not null) strict;
INSERT INTO "last_report" VALUES('{}');
CREATE TABLE output (
  device integer primary key,
  file text not null,
  bytes integer not null,
  gzip_bytes integer not null,
  etag text not null,
  modified_at integer not null,
  previous_file text -- may still be read by somebody
) strict;
INSERT INTO "output" VALUES(0,'guide-0.xml',100,50,'"x"',1700000000000,NULL);
CREATE TABLE programme (
  id integer primary key autoincrement,
  import_id integer not null,
  channel_id integer not null, -- a source_channel
  start integer not null,
  stop integer,
  content text not null -- XML, without the element around it
) strict;
INSERT INTO "programme" VALUES(1,1,1,1700000000000,1700003600000,'<title>News</title>');
CREATE TABLE short_asked (
  channel_id integer primary key,
  asked_at integer not null
) strict;
INSERT INTO "short_asked" VALUES(2,1700000000000);
CREATE TABLE short_programme (
  channel_id integer not null, -- of ours
  start integer not null,
  stop integer not null,
  content text not null,
  primary key (channel_id, start)
) strict, without rowid;
INSERT INTO "short_programme" VALUES(2,1700000000000,1700003600000,'<title>Late</title>');
CREATE TABLE source (
  id integer primary key autoincrement,
  name text not null unique,
  document_id integer,
  checked_at integer,
  error text
) strict;
INSERT INTO "source" VALUES(1,'account main',1,1700000000000,NULL);
CREATE TABLE source_channel (
  id integer primary key autoincrement,
  document_id integer not null,
  key text not null,
  names text not null, -- JSON
  programmes integer not null,
  import_id integer, -- the last one that it was part of
  unique (document_id, key)
) strict;
INSERT INTO "source_channel" VALUES(1,1,'harbour.tv','["Harbour"]',1,1);
CREATE INDEX programme_place on programme (import_id, channel_id, start);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('source',1);
INSERT INTO "sqlite_sequence" VALUES('document',1);
INSERT INTO "sqlite_sequence" VALUES('source_channel',1);
INSERT INTO "sqlite_sequence" VALUES('programme',1);
COMMIT;
