-- Somebody who has signed in.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE session (
     id_hash    blob primary key,
     password   text not null,    -- which one was given: sessions end with it
     begun_at   integer not null, -- milliseconds since the epoch
     used_at    integer not null
   ) strict, without rowid;
INSERT INTO "session" VALUES(X'9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08','aGFzaA==',1700000000000,1700000060000);
CREATE INDEX session_by_age on session (begun_at);
COMMIT;
