-- name: families
-- The next $2 families behind $1 that have uploads or clips.
SELECT family_id
  FROM (SELECT family_id FROM clip_upload WHERE family_id > $1
         UNION
        SELECT family_id FROM clip_file WHERE family_id > $1) AS one
 ORDER BY family_id
 LIMIT $2;

-- name: pieces
SELECT clip_id, first_byte, lease, length
  FROM clip_piece
 WHERE family_id = $1;

-- name: files
SELECT DISTINCT sha256, length
  FROM clip_file
 WHERE family_id = $1;
