-- name: revoked
-- Which of these devices may listen no longer.
SELECT device_id
  FROM device
 WHERE device_id = ANY($1::uuid[])
   AND revoked_at IS NOT NULL;

-- name: left
-- Which of these members are of their family no more, as ordinals of the lists given.
SELECT asked.number
  FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (family_id, member_id, number)
  JOIN member USING (family_id, member_id)
 WHERE member.has_left;

-- name: behind
-- Which of these members were told something after a place, as ordinals of the lists given. A run holds at most 256 entries,
-- so that of each feed only its last runs are read.
SELECT DISTINCT asked.number
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS asked (family_id, member_id, place, number)
  JOIN feed_run AS run USING (family_id, member_id)
 WHERE run.first_place > asked.place - 256
   AND run.first_place + run.length - 1 > asked.place;

-- name: onward
-- Entries from place $3 on, at most $4. As `page` of pages.sql, for a reader who knows the chain before $3.
SELECT run.first_place + coalesce(event.nth, 0) AS place, run.released,
       coalesce(run.told_at, event.received_at) AS told_at, NULL::bytea AS chain_before,
       event.commitment, event.kind, event.version, coalesce(event.body, run.hint) AS body
  FROM feed_run AS run
  LEFT JOIN LATERAL (
      (SELECT event.*, event.seq - run.first_seq AS nth
         FROM event
        WHERE run.seqs IS NULL
          AND event.family_id = $1
          AND event.seq >= run.first_seq + greatest($3 - run.first_place, 0)
          AND event.seq < run.first_seq + least(run.length, $3 + $4 - run.first_place)
        ORDER BY event.seq
        LIMIT 256)
        UNION ALL
       SELECT event.*, listed.nth - 1
         FROM unnest(run.seqs[:least(run.length, $3 + $4 - run.first_place)]) WITH ORDINALITY AS listed (seq, nth)
        CROSS JOIN LATERAL (SELECT * FROM event WHERE event.family_id = $1 AND event.seq = listed.seq LIMIT 1) AS event
        WHERE run.first_place + listed.nth - 1 >= $3
       ) AS event ON true
 WHERE run.family_id = $1
   AND run.member_id = $2
   AND run.first_place > $3 - 256
   AND run.first_place < $3 + $4
   AND run.first_place + run.length > $3
 ORDER BY place;
