-- Two events that one hook has not had yet.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE delivery (
     place      integer primary key,
     hook       text not null,
     id         text not null,
     body       text not null,
     created_at integer not null, -- milliseconds since the epoch
     attempts   integer not null default 0
   ) strict;
INSERT INTO "delivery" VALUES(7,'home','msg_1','{"type":"sync.finished"}',1700000000000,3);
INSERT INTO "delivery" VALUES(8,'home','msg_2','{"type":"title.ready"}',1700000060000,0);
CREATE INDEX delivery_by_hook on delivery (hook, place);
COMMIT;
