-- name: wishes
-- What others than $2 have chosen, of the first $4 of them after $3. Declared by each, so that others can keep quiet.
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1
   AND member_id <> $2
   AND member_id > $3
 ORDER BY member_id
 LIMIT $4;

-- name: told_of_words
-- What a member was told that notes and clips are about, and of the names of the family's own milestones.
SELECT event.kind, event.version, event.body
  FROM feed_run AS run
 CROSS JOIN LATERAL (
       SELECT *
         FROM event
        WHERE event.family_id = run.family_id
          AND event.seq >= run.first_seq
          AND event.seq < run.first_seq + run.length
        ORDER BY event.seq
        LIMIT 256) AS event
 WHERE run.family_id = $1
   AND run.member_id = $2
   AND event.kind IN ('Sorted', 'MilestoneNamed')
 ORDER BY run.first_place, event.seq;

-- name: received
-- When the log received these events of these authors.
SELECT event.author_id, event.event_id, event.received_at
  FROM unnest($2::uuid[], $3::uuid[]) AS asked (author_id, event_id)
  JOIN event
    ON event.family_id = $1
   AND event.event_id = asked.event_id
   AND event.author_id = asked.author_id;
