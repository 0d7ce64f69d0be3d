-- name: take_heads
-- Locks the families, so that seq is handed out in the order of commit. An update, because Citus refuses to lock several
-- families by SELECT FOR UPDATE; two batches that share two families may deadlock, and are then tried again whole.
UPDATE family
   SET last_seq = family.last_seq + taken.count
  FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
 WHERE family.family_id = taken.family_id
RETURNING family.family_id, family.last_seq - taken.count AS seq, family.log_id;

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
SELECT event.family_id, event.event_id, event.author_id, event.seq, event.kind, event.audience, event.target_seq, event.digest
  FROM unnest($1::uuid[], $2::uuid[]) AS asked (family_id, event_id)
  JOIN event USING (family_id, event_id);

-- name: told
-- Everybody in whose feed these events stand, and where. No run is longer than 256.
SELECT asked.family_id, asked.seq, run.member_id, run.first_place + asked.seq - run.first_seq AS place
  FROM unnest($1::uuid[], $2::bigint[]) AS asked (family_id, seq)
  JOIN feed_run AS run
    ON run.family_id = asked.family_id
   AND run.first_seq BETWEEN asked.seq - 255 AND asked.seq
   AND run.first_seq + run.length > asked.seq;

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
