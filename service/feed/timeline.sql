-- name: sightings
SELECT body
  FROM sighting
 WHERE family_id = $1
   AND member_id = $2;

-- name: told_of
-- What a member was told of these kinds $3, in the order of their feed, as it stood at $4, or as it stands.
SELECT event.kind, event.version, event.body
  FROM feed_run AS run
 CROSS JOIN LATERAL (
      (SELECT event.*, event.seq - run.first_seq AS nth
         FROM event
        WHERE run.seqs IS NULL
          AND event.family_id = run.family_id
          AND event.seq >= run.first_seq
          AND event.seq < run.first_seq + run.length
        ORDER BY event.seq
        LIMIT 256)
        UNION ALL
       SELECT event.*, listed.nth - 1
         FROM unnest(run.seqs) WITH ORDINALITY AS listed (seq, nth)
        CROSS JOIN LATERAL (SELECT * FROM event WHERE event.family_id = run.family_id AND event.seq = listed.seq LIMIT 1) AS event
       ) AS event
 WHERE run.family_id = $1
   AND run.member_id = $2
   AND event.kind = ANY ($3::text[])
   AND ($4::timestamptz IS NULL OR coalesce(run.told_at, event.received_at) <= $4)
 ORDER BY run.first_place, event.nth;
