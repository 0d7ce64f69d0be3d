-- name: take_heads
-- Locks the families, so that seq is handed out in the order of commit. An update, because Citus refuses to lock several
-- families by SELECT FOR UPDATE; two batches that share two families may deadlock, and are then tried again whole.
UPDATE family
   SET last_seq = family.last_seq + taken.count
  FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
 WHERE family.family_id = taken.family_id
RETURNING family.family_id, family.last_seq - taken.count AS seq, family.log_id, family.mended;

-- name: give_back
-- What was taken for drafts that turned out refused or known.
UPDATE family
   SET last_seq = family.last_seq - unused.count
  FROM unnest($1::uuid[], $2::bigint[]) AS unused (family_id, count)
 WHERE family.family_id = unused.family_id;

-- name: open_family
INSERT INTO family (family_id, log_id, founded_at)
VALUES ($1, $2, $3);

-- name: known
-- The events that have these ids, and in whose feeds they stand, at which place.
SELECT event.family_id, event.event_id, event.author_id, event.seq, event.kind, event.audience, event.target_seq, event.digest,
       told.members, told.places
  FROM unnest($1::uuid[], $2::uuid[]) AS asked (family_id, event_id)
  JOIN event USING (family_id, event_id)
 CROSS JOIN LATERAL (
       SELECT array_agg(run.member_id) AS members, array_agg(run.first_place + event.seq - run.first_seq) AS places
         FROM member
        CROSS JOIN LATERAL (
              SELECT *
                FROM feed_run
               WHERE feed_run.family_id = member.family_id
                 AND feed_run.member_id = member.member_id
                 AND feed_run.first_seq <= event.seq
               ORDER BY feed_run.first_seq DESC
               LIMIT 1) AS run
        WHERE member.family_id = event.family_id
          AND run.first_seq + run.length > event.seq) AS told;

-- name: sightings
SELECT sighting.family_id, sighting.member_id, sighting.seq, sighting.body
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS asked (family_id, seq, member_id)
  JOIN sighting USING (family_id, member_id, seq);

-- name: history
SELECT seq, author_id, kind, audience, target_seq, commitment
  FROM event
 WHERE family_id = $1
   AND seq < $2
 ORDER BY seq;

-- name: history_of_sightings
SELECT seq, kind, version, body
  FROM event
 WHERE family_id = $1
   AND seq < $2
   AND kind IN ('MilestoneObserved', 'ParentFirstSaw', 'Amended', 'ClipAttached', 'Withdrawn')
   AND audience <> 'me';

-- name: add_events
INSERT INTO event (family_id, seq, event_id, author_id, kind, version, audience, target_seq, received_at,
                   digest, commitment, salt, body)
SELECT *
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::bigint[],
              $9::timestamptz[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[]);

-- name: put_runs
INSERT INTO feed_run (family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::timestamptz[],
              $8::bytea[], $9::bytea[])
    ON CONFLICT (family_id, member_id, first_place) DO UPDATE SET length = excluded.length, chain = excluded.chain;

-- name: put_sightings
INSERT INTO sighting (family_id, member_id, seq, body)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])
    ON CONFLICT (family_id, member_id, seq) DO UPDATE SET body = excluded.body;

-- name: drop_sightings
DELETE FROM sighting
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (family_id, member_id, seq)
 WHERE sighting.family_id = gone.family_id
   AND sighting.member_id = gone.member_id
   AND sighting.seq = gone.seq;
