-- A title that failed, one that is paused, one that a person removed, one that was made.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE entry (
  variant_id integer primary key,
  account_id text not null,
  rank integer not null check (rank between 0 and 3), -- who asked: read, person, next-episode, policy
  place real not null, -- order within the rank; new ones fit between any two
  paused integer not null default 0,
  attempts integer not null default 0,
  failure_code text,
  failure_message text,
  failed_at integer,
  next_try_at integer,
  added_at integer not null
) strict;
INSERT INTO "entry" VALUES(17,'main',1,2.5,0,1,'failed','The server said 500',1700000000000,1700000060000,1699999000000);
INSERT INTO "entry" VALUES(18,'main',3,1.0,1,0,NULL,NULL,NULL,NULL,1699999000000);
CREATE TABLE excluded (
  variant_id integer primary key
) strict;
INSERT INTO "excluded" VALUES(19);
CREATE TABLE made (
  variant_id integer primary key,
  added_at integer not null, -- when the provider added it
  libraries text not null -- JSON array of names
) strict;
INSERT INTO "made" VALUES(20,1699000000000,'["Movies"]');
CREATE TABLE state (
  only_row integer primary key check (only_row = 1),
  paused integer not null
) strict;
INSERT INTO "state" VALUES(1,1);
CREATE INDEX entry_order on entry (rank, place, paused, attempts);
CREATE INDEX entry_account on entry (account_id, rank, place) where paused = 0;
CREATE INDEX entry_next_try on entry (next_try_at) where next_try_at is not null and paused = 0;
CREATE INDEX made_newest on made (added_at desc);
COMMIT;
