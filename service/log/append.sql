-- name: take_heads
-- Locks the families, so that seq is handed out in the order of commit. An update, because Citus refuses to lock several
-- families by SELECT FOR UPDATE; two batches that share two families may deadlock, and are then tried again whole.
UPDATE family
   SET last_seq = family.last_seq + taken.count
  FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
 WHERE family.family_id = taken.family_id
RETURNING family.family_id, family.last_seq - taken.count AS seq, family.log_id, family.mended;

-- name: take_free_heads
-- As `take_heads`, of those families alone that no other transaction holds: whoever asks waits for nobody.
WITH free AS (
  SELECT family.family_id, taken.count
    FROM unnest($1::uuid[], $2::bigint[]) AS taken (family_id, count)
    JOIN family USING (family_id)
     FOR NO KEY UPDATE OF family SKIP LOCKED)
UPDATE family
   SET last_seq = family.last_seq + free.count
  FROM free
 WHERE family.family_id = free.family_id
RETURNING family.family_id, family.last_seq - free.count AS seq, family.log_id, family.mended;

-- name: having_heads
SELECT family_id
  FROM family
 WHERE family_id = ANY ($1::uuid[]);

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
-- The events that have these ids, as far as whoever asks wrote them or was told of them, and in whose feeds they stand, at which
-- place. Of the rest nothing is read: how long an answer takes must not tell that there is such an event.
SELECT event.family_id, event.event_id, event.author_id, event.seq, event.kind, event.audience, event.target_seq, event.digest,
       told.members, told.places, coalesce(event.thread_seq, event.seq) AS thread_seq,
       coalesce(top.kind, event.kind) AS thread_kind, coalesce(top.author_id, event.author_id) AS thread_author_id,
       event.kind = 'MilestoneObserved' AND position('"found_in_prose":true'::bytea IN event.body) > 0 AS is_found
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS asked (family_id, event_id, asks_id)
  JOIN event USING (family_id, event_id)
  LEFT JOIN event AS top ON top.family_id = event.family_id AND top.seq = event.thread_seq
 CROSS JOIN LATERAL (
       SELECT array_agg(run.member_id) AS members,
              array_agg(run.first_place + coalesce(array_position(run.seqs, event.seq) - 1, event.seq - run.first_seq)) AS places
         FROM member
        CROSS JOIN LATERAL (
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = member.family_id
                 AND feed_run.member_id = member.member_id
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)
               UNION ALL
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = member.family_id
                 AND feed_run.member_id = member.member_id
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NOT NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)) AS run
        WHERE member.family_id = event.family_id
          AND CASE WHEN run.seqs IS NULL THEN run.first_seq + run.length > event.seq
                   ELSE event.seq = ANY (run.seqs) END) AS told
 WHERE event.author_id = asked.asks_id
    OR EXISTS (
       SELECT
         FROM (
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = asked.family_id
                 AND feed_run.member_id = asked.asks_id
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)
               UNION ALL
             (SELECT *
                FROM feed_run
               WHERE feed_run.family_id = asked.family_id
                 AND feed_run.member_id = asked.asks_id
                 AND feed_run.first_seq <= event.seq
                 AND feed_run.told_at IS NOT NULL
               ORDER BY feed_run.first_seq DESC
               LIMIT 1)) AS run
        WHERE CASE WHEN run.seqs IS NULL THEN run.first_seq + run.length > event.seq
                   ELSE event.seq = ANY (run.seqs) END);

-- name: sightings
SELECT sighting.family_id, sighting.member_id, sighting.seq, sighting.body
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS asked (family_id, seq, member_id)
  JOIN sighting USING (family_id, member_id, seq);

-- name: said_of
-- What these sightings were first said to be about, and all that was said anew.
SELECT asked.family_id, asked.seq AS of, event.seq, event.kind, event.version, event.body
  FROM unnest($1::uuid[], $2::bigint[]) AS asked (family_id, seq)
 CROSS JOIN LATERAL (
       SELECT seq, kind, version, body
         FROM event
        WHERE event.family_id = asked.family_id
          AND event.seq = asked.seq
        UNION ALL
       SELECT seq, kind, version, body
         FROM event
        WHERE event.family_id = asked.family_id
          AND event.thread_seq = (
              SELECT coalesce(top.thread_seq, top.seq)
                FROM event AS top
               WHERE top.family_id = asked.family_id
                 AND top.seq = asked.seq)
          AND event.kind = 'Amended'
          AND event.target_seq = asked.seq) AS event
 ORDER BY event.seq;

-- name: spoken
-- What these events and all that they refer to can tell by their own content, each after what refers to it; at most $3 of them.
WITH RECURSIVE above AS (
  SELECT asked.family_id, asked.seq AS of, asked.seq, 1 AS nth
    FROM unnest($1::uuid[], $2::bigint[]) AS asked (family_id, seq)
   UNION ALL
  SELECT above.family_id, above.of, event.target_seq, above.nth + 1
    FROM above
    JOIN event USING (family_id, seq)
   WHERE event.target_seq IS NOT NULL
     AND above.nth < $3
)
SELECT above.family_id, above.of, event.seq, event.kind, event.version, event.body, event.target_seq,
       coalesce(event.thread_seq, event.seq) AS thread_seq,
       coalesce(top.kind, event.kind) AS thread_kind, coalesce(top.author_id, event.author_id) AS thread_author_id
  FROM above
  JOIN event USING (family_id, seq)
  LEFT JOIN event AS top ON top.family_id = event.family_id AND top.seq = event.thread_seq
 WHERE event.kind IN ('MilestoneObserved', 'ParentFirstSaw', 'NoteWritten', 'ClipAttached')
 ORDER BY above.family_id, above.of, above.nth;

-- name: sortings
-- How the events of these threads were sorted before a seq, as far as a member was sent that: each event's last sorting by each author.
SELECT DISTINCT ON (asked.family_id, asked.thread_seq, asked.member_id, asked.before_seq, event.target_seq, event.author_id)
       asked.family_id, asked.thread_seq, asked.member_id, event.seq, event.target_seq, event.version, event.body
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) AS asked (family_id, thread_seq, member_id, before_seq)
  JOIN event USING (family_id, thread_seq)
 WHERE event.kind = 'Sorted'
   AND event.seq < asked.before_seq
   AND NOT EXISTS (
       SELECT
         FROM held
        WHERE held.family_id = asked.family_id
          AND held.member_id = asked.member_id
          AND held.seq = event.seq)
 ORDER BY asked.family_id, asked.thread_seq, asked.member_id, asked.before_seq, event.target_seq, event.author_id, event.seq DESC;

-- name: events_at
SELECT event.seq, event.kind, event.version, event.commitment, event.body
  FROM unnest($2::bigint[]) AS asked (seq)
  JOIN event ON event.family_id = $1 AND event.seq = asked.seq;

-- name: history
SELECT seq, author_id, kind, audience, target_seq, commitment, coalesce(thread_seq, seq) AS thread_seq
  FROM event
 WHERE family_id = $1
   AND seq < $2
 ORDER BY seq;

-- name: history_of_sightings
SELECT seq, kind, version, body
  FROM event
 WHERE family_id = $1
   AND seq < $2
   AND (kind IN ('MilestoneObserved', 'ParentFirstSaw', 'Amended', 'ClipAttached', 'Withdrawn') OR $3)
   AND audience <> 'me';

-- name: add_events
INSERT INTO event (family_id, seq, event_id, author_id, kind, version, audience, target_seq, received_at,
                   digest, commitment, salt, body, thread_seq)
SELECT *
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::smallint[], $7::text[], $8::bigint[],
              $9::timestamptz[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bigint[]);

-- name: put_runs
-- Lists of seqs come as text: an array of arrays would have to be of one length.
INSERT INTO feed_run (family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs)
SELECT family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs::bigint[]
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::text[], $7::timestamptz[],
              $8::bytea[], $9::bytea[], $10::bytea[], $11::text[])
    AS run (family_id, member_id, first_place, first_seq, length, released, told_at, chain_before, chain, hint, seqs)
    ON CONFLICT (family_id, member_id, first_place) DO UPDATE
       SET length = excluded.length, chain = excluded.chain, seqs = excluded.seqs;

-- name: put_sightings
INSERT INTO sighting (family_id, member_id, seq, body, child_id, milestone)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[], $5::uuid[], $6::text[])
    ON CONFLICT (family_id, member_id, seq) DO UPDATE
       SET body = excluded.body, child_id = excluded.child_id, milestone = excluded.milestone;

-- name: drop_sightings
DELETE FROM sighting
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (family_id, member_id, seq)
 WHERE sighting.family_id = gone.family_id
   AND sighting.member_id = gone.member_id
   AND sighting.seq = gone.seq;

-- name: put_waiting
INSERT INTO waiting (family_id, member_id, at_most_days, body)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bytea[])
    ON CONFLICT (family_id, member_id) DO UPDATE SET at_most_days = excluded.at_most_days, body = excluded.body;

-- name: drop_waiting
DELETE FROM waiting
 USING unnest($1::uuid[], $2::uuid[]) AS gone (family_id, member_id)
 WHERE waiting.family_id = gone.family_id
   AND waiting.member_id = gone.member_id;

-- name: drop_all_held
DELETE FROM held
 USING unnest($1::uuid[], $2::uuid[]) AS gone (family_id, member_id)
 WHERE held.family_id = gone.family_id
   AND held.member_id = gone.member_id;

-- name: put_held
INSERT INTO held (family_id, member_id, seq, since, is_name, body)
SELECT *
  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::boolean[], $6::bytea[])
    ON CONFLICT (family_id, member_id, seq) DO UPDATE SET body = excluded.body;

-- name: drop_held
DELETE FROM held
 USING unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS gone (family_id, member_id, seq)
 WHERE held.family_id = gone.family_id
   AND held.member_id = gone.member_id
   AND held.seq = gone.seq;
