-- name: file
-- The file of a clip, if the member's feed holds an event that attaches it and was not withdrawn. A clip that nobody attached, or
-- that does not exist, is looked up in the feed too, under a seq that no event has. So a held clip and none take the same steps,
-- and equally long. Only for a clip in the feed it is asked whether its attachment was withdrawn.
SELECT file.sha256, file.length, file.media_type
  FROM clip_file AS file
 WHERE file.family_id = $1
   AND file.clip_id = $3
   AND file.rendition = $4
   AND (SELECT count(*) > 0
           FROM unnest(coalesce(
                    (SELECT array_agg(seq) FROM clip_attachment WHERE family_id = $1 AND clip_id = $3),
                    ARRAY[4611686018427387904])) AS attachment (seq)
          CROSS JOIN LATERAL place_in_feed($1, $2, attachment.seq))
   AND EXISTS (
         SELECT
           FROM clip_attachments($1, $3) AS attachment
          CROSS JOIN LATERAL place_in_feed($1, $2, attachment.seq));

-- name: renditions
-- The renditions of a clip, if the member's feed holds an event that attaches it and was not withdrawn. Decided as for its file.
SELECT file.rendition, file.length, file.media_type, file.width, file.height, clip.length_ms, clip.codec
  FROM clip_file AS file
  JOIN clip USING (family_id, clip_id)
 WHERE file.family_id = $1
   AND file.clip_id = $3
   AND (SELECT count(*) > 0
           FROM unnest(coalesce(
                    (SELECT array_agg(seq) FROM clip_attachment WHERE family_id = $1 AND clip_id = $3),
                    ARRAY[4611686018427387904])) AS attachment (seq)
          CROSS JOIN LATERAL place_in_feed($1, $2, attachment.seq))
   AND EXISTS (
         SELECT
           FROM clip_attachments($1, $3) AS attachment
          CROSS JOIN LATERAL place_in_feed($1, $2, attachment.seq))
 ORDER BY file.rendition;

-- name: may_still_read
-- Whether a download may go on: the device is not revoked, and its person has not left the family.
SELECT EXISTS (SELECT FROM device WHERE device_id = $3 AND revoked_at IS NULL)
   AND EXISTS (SELECT FROM member WHERE family_id = $1 AND member_id = $2 AND NOT has_left);

-- name: secret
SELECT secret
  FROM family_secret
 WHERE family_id = $1;
