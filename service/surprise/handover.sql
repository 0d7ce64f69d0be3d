-- name: wishes
-- What others than $2 have chosen, of the first $4 of them after $3. Declared by each, so that others can keep quiet.
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1
   AND member_id <> $2
   AND member_id > $3
 ORDER BY member_id
 LIMIT $4;

-- name: received
-- When the log received these events of these authors.
SELECT event.author_id, event.event_id, event.received_at
  FROM unnest($2::uuid[], $3::uuid[]) AS asked (author_id, event_id)
  JOIN event
    ON event.family_id = $1
   AND event.event_id = asked.event_id
   AND event.author_id = asked.author_id;
