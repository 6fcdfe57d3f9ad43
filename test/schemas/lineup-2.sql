-- The lineup of version 1, after a restore that left numbers out.
PRAGMA user_version=2;
BEGIN TRANSACTION;
CREATE TABLE channel (
  id integer primary key autoincrement,
  identity text not null, -- what a returning channel is known by
  device integer, -- index of the device it is on; null for none yet
  patch text -- JSON of what people changed
) strict;
INSERT INTO channel VALUES(1,'["","harbour","harbour.tv"]',0,NULL);
INSERT INTO channel VALUES(2,'["","news",""]',0,'{"name":"The News"}');
CREATE TABLE current (
  only_row integer primary key check (only_row = 1),
  lineup text not null,
  listed text not null
) strict;
INSERT INTO "current" VALUES(1,'{"devices":[{"index":0,"deviceId":"105A0B1C","name":"reelport","scanPossible":true,"channels":[{"id":1,"number":"1000","guideId":"xlvcq.tv","name":"Harbour","group":"News","isHd":true,"isFavorite":false,"guideHints":{"ids":["harbour.tv"],"names":["Harbour","Harbour HD","Harbour SD"]},"shiftMinutes":0,"archiveDays":0,"dropCorrupt":false,"isDead":false,"upstreams":[{"id":1,"accountId":"main","locator":"live/1","name":"Harbour HD"},{"id":2,"accountId":"main","locator":"live/2","name":"Harbour SD"}]},{"id":2,"number":"1001","guideId":"twdvz.tv","name":"The News","group":"News","isHd":false,"isFavorite":false,"guideHints":{"ids":[],"names":["News"]},"shiftMinutes":0,"archiveDays":0,"dropCorrupt":false,"isDead":false,"upstreams":[{"id":3,"accountId":"main","locator":"live/3","name":"News"}]}]}],"changedAt":1700000000000}','[{"listingId":1,"accountId":"main","key":"1","name":"Harbour HD","categories":["News"],"locator":"live/1","quality":[],"languages":[],"guideId":"harbour.tv"},{"listingId":2,"accountId":"main","key":"2","name":"Harbour SD","categories":["News"],"locator":"live/2","quality":[],"languages":[]},{"listingId":3,"accountId":"main","key":"3","name":"News","categories":["News"],"locator":"live/3","quality":[],"languages":[]}]');
CREATE TABLE device (
  position integer primary key, -- its index: permanent
  device_id text not null unique,
  name text not null -- of the configuration's entry that it is for
) strict;
INSERT INTO device VALUES(0,'105A0B1C','reelport');
CREATE TABLE member (
  listing_id integer primary key,
  channel_id integer not null references channel
) strict;
INSERT INTO member VALUES(1,1);
INSERT INTO member VALUES(2,1);
INSERT INTO member VALUES(3,2);
CREATE TABLE number (
  number text primary key,
  channel_id integer not null references channel,
  is_current integer not null
) strict, without rowid;
INSERT INTO number VALUES('1000',1,1);
INSERT INTO number VALUES('1001',2,1);
CREATE TABLE test (
  listing_id integer primary key,
  at integer not null,
  outcome text not null check (outcome in ('ok', 'dead', 'unknown')),
  details text not null, -- JSON
  dead_since integer, -- the first of the dead ones in a row
  dead_count integer not null default 0,
  next_at integer not null
) strict;
INSERT INTO test VALUES(1,1700000000000,'ok','{"is":"ok"}',NULL,0,1700086400000);
CREATE TABLE numbering (
  only_row integer primary key check (only_row = 1),
  first_index integer not null
) strict;
INSERT INTO numbering VALUES(1,3000);
CREATE INDEX channel_identity on channel (identity);
CREATE UNIQUE INDEX number_current on number (channel_id) where is_current = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('channel',2);
COMMIT;
