-- name: revoked
-- Returns those of these devices that were revoked.
SELECT device_id
  FROM device
 WHERE device_id = ANY($1::uuid[])
   AND revoked_at IS NOT NULL;

-- name: left
-- Returns those of these members who have left their family, as ordinals of the given lists.
SELECT listed.number
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS listed (family_id, member_id, number)
  JOIN member USING (family_id, member_id)
 WHERE member.has_left;

-- name: behind
-- Returns those of these members whose feed has entries after the given place, as ordinals of the given lists.
SELECT listed.number
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS listed (family_id, member_id, place, number)
 CROSS JOIN LATERAL feed_end(listed.family_id, listed.member_id) AS last
 WHERE last.place > listed.place;

-- name: onward
-- Returns the entries from place $3 on, at most $4, for a reader that knows the chain before $3.
SELECT place, released, told_at, NULL::bytea AS chain_before, commitment, kind, version, body
  FROM feed_entries($1, $2, $3, $3::bigint + $4)
 ORDER BY place;
