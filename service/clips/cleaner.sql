-- name: claim
-- Claims the upload that has waited longest, for one attempt. Others' claims are skipped; the claim of a killed process ends.
UPDATE clip_upload
   SET cleaner = $1, cleaned_until = $3, attempts = attempts + 1
 WHERE (family_id, clip_id) = (
         SELECT family_id, clip_id
           FROM clip_upload
          WHERE state = 'whole'
            AND (cleaned_until IS NULL OR cleaned_until < $2)
          ORDER BY byte_at
          LIMIT 1
            FOR UPDATE SKIP LOCKED)
RETURNING family_id, clip_id, member_id, filetype, attempts;

-- name: add_clip
INSERT INTO clip (family_id, clip_id, member_id, length_ms, codec, captured_at, offset_known, cleaned_at, second_film)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: end_cleaning
-- Ends an upload as cleaned, or as refused with a code. A refused one stays for a while, so that its member can read why.
UPDATE clip_upload
   SET state = CASE WHEN $4::text IS NULL THEN 'cleaned' ELSE 'refused' END, refused_as = $4, cleaner = NULL, cleaned_until = NULL,
       byte_at = CASE WHEN $4::text IS NULL THEN byte_at ELSE $5 END
 WHERE family_id = $1
   AND clip_id = $2
   AND cleaner = $3
   AND state = 'whole'
RETURNING clip_id;

-- name: give_back
-- Gives an upload back to the queue at once, because this process stops.
UPDATE clip_upload
   SET cleaner = NULL, cleaned_until = NULL, attempts = attempts - 1
 WHERE family_id = $1
   AND clip_id = $2
   AND cleaner = $3;

-- name: drop_pieces
-- Removes the pieces of an upload that was cleaned or refused.
DELETE FROM clip_piece
 WHERE family_id = $1
   AND clip_id = $2
RETURNING first_byte, lease;
