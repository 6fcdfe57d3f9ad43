import type { Migration } from '../lib/sqlite.ts'

const first = `
create table entry (
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
-- With the last two columns it answers by itself how many are in which state.
create index entry_order on entry (rank, place, paused, attempts);
create index entry_account on entry (account_id, rank, place) where paused = 0;
create index entry_next_try on entry (next_try_at) where next_try_at is not null and paused = 0;

-- Removed by a person: a policy does not bring it back.
create table excluded (
  variant_id integer primary key
) strict;

-- What was made, for policies that count.
create table made (
  variant_id integer primary key,
  added_at integer not null, -- when the provider added it
  libraries text not null -- JSON array of names
) strict;
create index made_newest on made (added_at desc);

create table state (
  only_row integer primary key check (only_row = 1),
  paused integer not null
) strict;
insert into state values (1, 0);
`

/** From an empty file to today's schema. A step is never edited once released. */
export const migrations: readonly Migration[] = [first]

/** The newest version of the schema. */
export const schemaVersion = migrations.length
