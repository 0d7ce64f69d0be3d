-- name: families
SELECT family_id
  FROM family
 WHERE family_id > $1
 ORDER BY family_id
 LIMIT $2;

-- name: count_events
SELECT coalesce(sum(last_seq), 0)::bigint
  FROM family;

-- name: hold_head
-- Locks the head, so that no event is written until the rows are replaced.
UPDATE family
   SET last_seq = last_seq
 WHERE family_id = $1
RETURNING last_seq;

-- name: note_mended
UPDATE family
   SET mended = mended + 1
 WHERE family_id = $1;

-- name: head
SELECT last_seq
  FROM family
 WHERE family_id = $1;

-- name: events
SELECT seq, kind, version, target_seq, commitment, body
  FROM event
 WHERE family_id = $1
   AND seq > $2
 ORDER BY seq
 LIMIT $3;

-- name: runs
SELECT member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs
  FROM feed_run
 WHERE family_id = $1;

-- name: sightings
SELECT seq, member_id, body, child_id, milestone
  FROM sighting
 WHERE family_id = $1
 ORDER BY seq;

-- name: drop_households
DELETE FROM household WHERE family_id = $1;

-- name: drop_children
DELETE FROM child WHERE family_id = $1;

-- name: drop_members
DELETE FROM member WHERE family_id = $1;

-- name: drop_own_milestones
DELETE FROM own_milestone WHERE family_id = $1;

-- name: drop_runs
DELETE FROM feed_run WHERE family_id = $1;

-- name: drop_sightings
DELETE FROM sighting WHERE family_id = $1;

-- name: waiting
SELECT member_id, at_most_days, body
  FROM waiting
 WHERE family_id = $1;

-- name: held
SELECT member_id, seq, since, is_name, body
  FROM held
 WHERE family_id = $1;

-- name: drop_waiting
DELETE FROM waiting WHERE family_id = $1;

-- name: drop_held
DELETE FROM held WHERE family_id = $1;
