-- name: keep_objects
-- Until the end of the transaction, no object of a served file of this family is deleted.
SELECT pg_advisory_xact_lock_shared(hashtextextended('clip files ' || $1::uuid, 0));

-- name: add_files
INSERT INTO clip_file (family_id, clip_id, rendition, sha256, length, media_type, width, height, created_at)
SELECT $1, $2, one.rendition, one.sha256, one.length, one.media_type, one.width, one.height, $3
  FROM unnest($4::text[], $5::bytea[], $6::bigint[], $7::text[], $8::integer[], $9::integer[])
       AS one (rendition, sha256, length, media_type, width, height);
