-- name: sightings
SELECT body
  FROM sighting
 WHERE family_id = $1
   AND member_id = $2;

-- name: told_of_sightings
-- What of a feed makes or changes a sighting, as it stood at $3, or as it stands.
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
   AND event.kind IN ('MilestoneObserved', 'ParentFirstSaw', 'Amended', 'ClipAttached', 'Withdrawn')
   AND ($3::timestamptz IS NULL OR coalesce(run.told_at, event.received_at) <= $3)
 ORDER BY run.first_place, event.seq;
