-- Two files, one of them with a hole.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE file (
    rendition_id integer primary key,
    token text not null,
    size integer not null,
    etag text,
    last_modified text,
    ranges blob not null,
    used_at integer not null
  ) strict;
INSERT INTO "file" VALUES(17,'00112233445566aa',5000000,'"17"',NULL,X'00808040C08D7780897A',1700000000000);
INSERT INTO "file" VALUES(23,'ffeeddccbbaa0099',700,NULL,'Tue, 14 Nov 2023 22:13:20 GMT',X'00BC05',1700000100000);
COMMIT;
