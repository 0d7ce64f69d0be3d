-- name: sightings
SELECT body
  FROM sighting
 WHERE family_id = $1
   AND member_id = $2;

-- name: entries_of_kinds
-- Returns the events of kinds $3 in a member's feed, in its order: all of them, or those that were delivered up to $4.
SELECT kind, version, body
  FROM feed_entries($1, $2, 1, 9223372036854775807)
 WHERE kind = ANY ($3::text[])
   AND ($4::timestamptz IS NULL OR told_at <= $4)
 ORDER BY place;
