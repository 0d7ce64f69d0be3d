-- name: end_uploads
-- Ends up to $3 uploads without a byte since $1, and refused ones since $2. Returns their pieces; an upload without any has one
-- row of nulls. The uploads that a request or another sweep has at this moment are left for the next time.
WITH ending AS (
  SELECT family_id, clip_id
    FROM clip_upload
   WHERE (state = 'open' AND byte_at < $1)
      OR (state = 'refused' AND byte_at < $2)
   ORDER BY byte_at
   LIMIT $3
     FOR UPDATE SKIP LOCKED),
ended AS (
  DELETE FROM clip_upload
   USING ending
   WHERE clip_upload.family_id = ending.family_id
     AND clip_upload.clip_id = ending.clip_id)
SELECT ending.family_id, ending.clip_id, piece.first_byte, piece.lease
  FROM ending
  LEFT JOIN clip_piece AS piece USING (family_id, clip_id);

-- name: page_of_clips
-- The next $3 clips behind a clip, and whether each may have ended at time $4. `end_clip` decides.
SELECT page.family_id, page.clip_id,
       NOT EXISTS (SELECT FROM clip_attachments(page.family_id, page.clip_id))
       AND (page.cleaned_at < $4
            OR EXISTS (SELECT
                         FROM clip_attachment AS attachment
                        WHERE attachment.family_id = page.family_id
                          AND attachment.clip_id = page.clip_id)) AS has_ended
  FROM (SELECT family_id, clip_id, cleaned_at
          FROM clip
         WHERE (family_id, clip_id) > ($1, $2)
         ORDER BY family_id, clip_id
         LIMIT $3) AS page
 ORDER BY page.family_id, page.clip_id;

-- name: lock_family
-- Locks the family's log: nobody attaches a clip until the end of the transaction.
SELECT family_id
  FROM family
 WHERE family_id = $1
   FOR NO KEY UPDATE;

-- name: end_clip
-- Ends a clip that was cleaned before $3 and never attached, or whose attachments were all withdrawn. Returns the content of its
-- files. Its rows in clip_attachment stay: they say what the log says.
WITH ended AS (
  DELETE FROM clip
   WHERE family_id = $1
     AND clip_id = $2
     AND NOT EXISTS (SELECT FROM clip_attachments($1, $2))
     AND (cleaned_at < $3 OR EXISTS (SELECT FROM clip_attachment WHERE family_id = $1 AND clip_id = $2))
  RETURNING family_id, clip_id),
upload AS (
  DELETE FROM clip_upload
   USING ended
   WHERE clip_upload.family_id = ended.family_id
     AND clip_upload.clip_id = ended.clip_id)
DELETE FROM clip_file
 USING ended
 WHERE clip_file.family_id = ended.family_id
   AND clip_file.clip_id = ended.clip_id
RETURNING clip_file.sha256;

-- name: drop_objects
-- Waits for the cleaners that write rows of files in this family at this moment, and lets none begin until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('clip files ' || $1::uuid, 0));

-- name: unused_files
-- The contents among $2 of which the family has no file.
SELECT DISTINCT wanted.sha256
  FROM unnest($2::bytea[]) AS wanted (sha256)
 WHERE NOT EXISTS (
         SELECT
           FROM clip_file AS file
          WHERE file.family_id = $1
            AND file.sha256 = wanted.sha256);

-- name: unused_pieces
-- The pieces without a row that no request can record any more: its upload has ended, or another request has taken it over.
SELECT wanted.key
  FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::integer[]) AS wanted (key, family_id, clip_id, first_byte, lease)
 WHERE NOT EXISTS (
         SELECT
           FROM clip_piece AS piece
          WHERE piece.family_id = wanted.family_id
            AND piece.clip_id = wanted.clip_id
            AND piece.first_byte = wanted.first_byte
            AND piece.lease = wanted.lease)
   AND NOT EXISTS (
         SELECT
           FROM clip_upload AS upload
          WHERE upload.family_id = wanted.family_id
            AND upload.clip_id = wanted.clip_id
            AND upload.lease = wanted.lease
            AND upload.state = 'open');
