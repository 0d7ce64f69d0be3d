-- name: wishes
-- Returns the surprise choices of the first $4 members after $3, without $2. Choices are shared so that others keep quiet.
SELECT member_id, body
  FROM waiting
 WHERE family_id = $1
   AND member_id <> $2
   AND member_id > $3
 ORDER BY member_id
 LIMIT $4;

-- name: words
-- Returns the names and sortings in a member's feed. They are few, so each is looked up in the feed: the time of a scan of the
-- feed would reveal more, because its entries are farther apart the more events are held between them.
SELECT event.kind, event.version, event.body
  FROM event
 WHERE event.family_id = $1
   AND event.kind IN ('Sorted', 'MilestoneNamed')
   AND EXISTS (
       SELECT
         FROM (
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = $1
                 AND feed_run.member_id = $2
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)
               UNION ALL
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = $1
                 AND feed_run.member_id = $2
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NOT NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)) AS run
        WHERE CASE WHEN run.seqs IS NULL THEN run.first_seq + run.length > event.seq
                   ELSE event.seq = ANY (run.seqs) END);

-- name: received
-- Returns when the log received these events of these authors.
SELECT event.author_id, event.event_id, event.received_at
  FROM unnest($2::uuid[], $3::uuid[]) AS asked (author_id, event_id)
  JOIN event
    ON event.family_id = $1
   AND event.event_id = asked.event_id
   AND event.author_id = asked.author_id;
