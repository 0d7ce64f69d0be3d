-- name: take_member
-- Locks the member, so that two devices at once cannot exceed the member's uploads and bytes. Waits for a departure under way.
SELECT member_id
  FROM member
 WHERE family_id = $1
   AND member_id = $2
   AND NOT has_left
   FOR NO KEY UPDATE;

-- name: own_use
-- The member's open uploads, and the bytes of all their uploads. Others' clips are not counted: a limit that is reached because of
-- a held clip would tell of the clip (law 8).
SELECT count(*) FILTER (WHERE state = 'open'), coalesce(sum(length) FILTER (WHERE state <> 'refused'), 0)::bigint
  FROM clip_upload
 WHERE family_id = $1
   AND member_id = $2;

-- name: create
INSERT INTO clip_upload (family_id, clip_id, member_id, filetype, length, created_at, byte_at)
VALUES ($1, $2, $3, $4, $5, $6, $6);

-- name: own
SELECT length, received, state, refused_as, byte_at, clip.captured_at, clip.offset_known
  FROM clip_upload
  LEFT JOIN clip USING (family_id, clip_id)
 WHERE family_id = $1
   AND clip_upload.member_id = $2
   AND clip_id = $3;

-- name: begin
-- Gives a request the right to send bytes from an offset on. An earlier request loses it, whether its connection lives or not.
UPDATE clip_upload
   SET lease = lease + 1
 WHERE family_id = $1
   AND member_id = $2
   AND clip_id = $3
   AND received = $4
   AND state = 'open'
RETURNING lease, length;

-- name: add_pieces
-- Moves the offset over pieces that are durable, if the request still has the right to, and the device may still write.
WITH moved AS (
  UPDATE clip_upload
     SET received = received + $6, byte_at = $7, state = CASE WHEN received + $6 = length THEN 'whole' ELSE state END
   WHERE family_id = $1
     AND clip_id = $2
     AND lease = $3
     AND received = $5
     AND state = 'open'
     AND EXISTS (SELECT FROM device WHERE device_id = $4 AND revoked_at IS NULL)
     AND EXISTS (SELECT
                   FROM member
                  WHERE member.family_id = clip_upload.family_id
                    AND member.member_id = clip_upload.member_id
                    AND NOT has_left)
  RETURNING received
)
INSERT INTO clip_piece (family_id, clip_id, first_byte, length, lease)
SELECT $1, $2, piece.first_byte, piece.length, $3
  FROM unnest($8::bigint[], $9::integer[]) AS piece (first_byte, length), moved
RETURNING first_byte;

-- name: own_offset
-- The offset of an upload, if the device may still write.
SELECT received
  FROM clip_upload
 WHERE family_id = $1
   AND member_id = $2
   AND clip_id = $3
   AND EXISTS (SELECT FROM device WHERE device_id = $4 AND revoked_at IS NULL)
   AND EXISTS (SELECT FROM member WHERE member.family_id = $1 AND member.member_id = $2 AND NOT has_left);

-- name: pieces
SELECT first_byte, length, lease
  FROM clip_piece
 WHERE family_id = $1
   AND clip_id = $2
 ORDER BY first_byte;

-- name: end
-- Ends an upload that nobody has attached. Its pieces' objects are swept later.
DELETE FROM clip_upload
 WHERE family_id = $1
   AND member_id = $2
   AND clip_id = $3
   AND state IN ('open', 'whole', 'refused')
RETURNING clip_id;
