-- name: head
-- Where a feed ends: its last place, and the chain there, which is null where the feed is empty.
SELECT family.log_id, coalesce(last.place, 0) AS place, last.chain
  FROM family
  LEFT JOIN LATERAL (
       SELECT run.first_place + run.length - 1 AS place, run.chain
         FROM feed_run AS run
        WHERE run.family_id = $1
          AND run.member_id = $2
        ORDER BY run.first_place DESC
        LIMIT 1) AS last ON true
 WHERE family.family_id = $1;

-- name: page
-- Begins at the run that holds place $3, so that the chain can be hashed on from the run's beginning: at most 255 entries more.
-- A lateral with a limit looks each run up in the log's key, whatever the planner knew of the tables when it planned.
-- A hint has no event: its kind is null, and its words stand in its run.
SELECT run.first_place + coalesce(event.nth, 0) AS place, run.released,
       coalesce(run.told_at, event.received_at) AS told_at,
       CASE WHEN coalesce(event.nth, 0) = 0 THEN run.chain_before END AS chain_before,
       event.commitment, event.kind, event.version, coalesce(event.body, run.hint) AS body
  FROM (SELECT *
          FROM feed_run
         WHERE family_id = $1
           AND member_id = $2
           AND first_place >= coalesce((SELECT max(first_place)
                                          FROM feed_run
                                         WHERE family_id = $1
                                           AND member_id = $2
                                           AND first_place <= $3), 1)
           AND first_place < $3 + $4
         ORDER BY first_place) AS run
  LEFT JOIN LATERAL (
      (SELECT event.*, event.seq - run.first_seq AS nth
         FROM event
        WHERE run.seqs IS NULL
          AND event.family_id = $1
          AND event.seq >= run.first_seq
          AND event.seq < run.first_seq + least(run.length, $3 + $4 - run.first_place)
        ORDER BY event.seq
        LIMIT 256)
        UNION ALL
       SELECT event.*, listed.nth - 1
         FROM unnest(run.seqs[:least(run.length, $3 + $4 - run.first_place)]) WITH ORDINALITY AS listed (seq, nth)
        CROSS JOIN LATERAL (SELECT * FROM event WHERE event.family_id = $1 AND event.seq = listed.seq LIMIT 1) AS event
       ) AS event ON true
 ORDER BY place;
