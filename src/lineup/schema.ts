import type { Migration } from '../lib/sqlite.ts'

const first = `
-- Everything that was ever tuned to. Rows are never removed: ids and numbers are in media servers' guides.
create table channel (
  id integer primary key autoincrement,
  identity text not null, -- what a returning channel is known by
  device integer, -- index of the device it is on; null for none yet
  patch text -- JSON of what people changed
) strict;
create index channel_identity on channel (identity);

-- Every number that a channel has or ever had: none is given twice.
create table number (
  number text primary key,
  channel_id integer not null references channel,
  is_current integer not null
) strict, without rowid;
create unique index number_current on number (channel_id) where is_current = 1;

-- Which channel a row of a provider's list belongs to; kept when the row is gone.
create table member (
  listing_id integer primary key,
  channel_id integer not null references channel
) strict;

create table device (
  position integer primary key, -- its index: permanent
  device_id text not null unique,
  name text not null -- of the configuration's entry that it is for
) strict;

create table test (
  listing_id integer primary key,
  at integer not null,
  outcome text not null check (outcome in ('ok', 'dead', 'unknown')),
  details text not null, -- JSON
  dead_since integer, -- the first of the dead ones in a row
  dead_count integer not null default 0,
  next_at integer not null
) strict;

-- The lineup as it was made last: what is served until there is another.
create table current (
  only_row integer primary key check (only_row = 1),
  lineup text not null,
  listed text not null
) strict;
`

const numbering = `
-- A restore leaves out numbers that may have been given out since the backup: new ones begin there.
create table numbering (
  only_row integer primary key check (only_row = 1),
  first_index integer not null
) strict;
`

/** From an empty file to today's schema. A step is never edited once released. */
export const migrations: readonly Migration[] = [first, numbering]

/** The newest version of the schema. */
export const schemaVersion = migrations.length
