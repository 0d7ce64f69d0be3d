-- name: wishes
-- What others than $2 have chosen, of the first $4 of them after $3. Declared by each, so that others can keep quiet.
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1
   AND member_id <> $2
   AND member_id > $3
 ORDER BY member_id
 LIMIT $4;

-- name: words
-- What a member was told of names and of sortings. They are few: looking for each in the feed tells less by time than walking
-- through the feed, whose entries lie farther apart the more is held between them.
SELECT event.kind, event.version, event.body
  FROM event
 WHERE event.family_id = $1
   AND event.kind IN ('Sorted', 'MilestoneNamed')
   AND EXISTS (SELECT FROM place_in_feed($1, $2, event.seq));

-- name: received
-- When the log received these events of these authors.
SELECT event.author_id, event.event_id, event.received_at
  FROM unnest($2::uuid[], $3::uuid[]) AS asked (author_id, event_id)
  JOIN event
    ON event.family_id = $1
   AND event.event_id = asked.event_id
   AND event.author_id = asked.author_id;
