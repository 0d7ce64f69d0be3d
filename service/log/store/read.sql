-- name: stored_events
-- The events with these ids that the member wrote or was sent, each with all members that have it in their feeds, and its places
-- there. Nothing is read about other events: the time of a response must not reveal that such an event exists.
SELECT event.family_id, event.event_id, event.author_id, event.seq, event.kind, event.audience, event.target_seq, event.digest,
       delivered.members, delivered.places, coalesce(event.thread_seq, event.seq) AS thread_seq,
       coalesce(top.kind, event.kind) AS thread_kind, coalesce(top.author_id, event.author_id) AS thread_author_id,
       event.kind = 'MilestoneObserved' AND position('"found_in_prose":true'::bytea IN event.body) > 0 AS is_found
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS wanted (family_id, event_id, member_id)
  JOIN event USING (family_id, event_id)
  LEFT JOIN event AS top ON top.family_id = event.family_id AND top.seq = event.thread_seq
 CROSS JOIN LATERAL (
       SELECT array_agg(member.member_id) AS members, array_agg(entry.place) AS places
         FROM member
        CROSS JOIN LATERAL place_in_feed(member.family_id, member.member_id, event.seq) AS entry
        WHERE member.family_id = event.family_id) AS delivered
 WHERE event.author_id = wanted.member_id
    OR EXISTS (SELECT FROM place_in_feed(wanted.family_id, wanted.member_id, event.seq));

-- name: sightings
SELECT sighting.family_id, sighting.member_id, sighting.seq, sighting.body
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS wanted (family_id, seq, member_id)
  JOIN sighting USING (family_id, member_id, seq);

-- name: subjects_of
-- The first version of these sightings, and all amendments of them.
SELECT wanted.family_id, wanted.seq AS of, event.seq, event.kind, event.version, event.body
  FROM unnest($1::uuid[], $2::bigint[]) AS wanted (family_id, seq)
 CROSS JOIN LATERAL (
       SELECT seq, kind, version, body
         FROM event
        WHERE event.family_id = wanted.family_id
          AND event.seq = wanted.seq
        UNION ALL
       SELECT seq, kind, version, body
         FROM event
        WHERE event.family_id = wanted.family_id
          AND event.thread_seq = (
              SELECT coalesce(top.thread_seq, top.seq)
                FROM event AS top
               WHERE top.family_id = wanted.family_id
                 AND top.seq = wanted.seq)
          AND event.kind = 'Amended'
          AND event.target_seq = wanted.seq) AS event
 ORDER BY event.seq;

-- name: referred_to
-- These events and all that they refer to, as far as they can reveal anything by their own content. Each event comes after those
-- that refer to it. Follows at most $3 events of a chain.
WITH RECURSIVE above AS (
  SELECT wanted.family_id, wanted.seq AS of, wanted.seq, 1 AS nth
    FROM unnest($1::uuid[], $2::bigint[]) AS wanted (family_id, seq)
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
 WHERE event.kind = ANY ($4::text[])
 ORDER BY above.family_id, above.of, above.nth;

-- name: sortings
-- The sortings of a thread's events before a seq that a member was sent: for each event the last sorting by each author.
SELECT DISTINCT ON (wanted.family_id, wanted.thread_seq, wanted.member_id, wanted.before_seq, event.target_seq, event.author_id)
       wanted.family_id, wanted.member_id, event.seq, event.kind, event.version, event.body, event.target_seq, event.thread_seq,
       top.kind AS thread_kind, top.author_id AS thread_author_id
  FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[]) AS wanted (family_id, thread_seq, member_id, before_seq)
  JOIN event USING (family_id, thread_seq)
  JOIN event AS top ON top.family_id = event.family_id AND top.seq = event.thread_seq
 WHERE event.kind = 'Sorted'
   AND event.seq < wanted.before_seq
   AND EXISTS (SELECT FROM place_in_feed(wanted.family_id, wanted.member_id, event.seq))
 ORDER BY wanted.family_id, wanted.thread_seq, wanted.member_id, wanted.before_seq, event.target_seq, event.author_id,
          event.seq DESC;

-- name: own_clips
-- The uploads of these members with these ids, and what their cleaned files are.
SELECT upload.family_id, upload.member_id, upload.clip_id, upload.state, file.media_type, file.length, file.sha256, file.width,
       file.height, clip.length_ms
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS wanted (family_id, member_id, clip_id)
  JOIN clip_upload AS upload USING (family_id, member_id, clip_id)
  LEFT JOIN clip ON clip.family_id = upload.family_id AND clip.clip_id = upload.clip_id
  LEFT JOIN clip_file AS file ON file.family_id = upload.family_id AND file.clip_id = upload.clip_id AND file.rendition = 'clip';

-- name: events_at
SELECT event.seq, event.kind, event.version, event.commitment, event.body
  FROM unnest($2::bigint[]) AS wanted (seq)
  JOIN event ON event.family_id = $1 AND event.seq = wanted.seq;

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
   AND (kind = ANY ($4::text[]) OR $3)
   AND audience <> 'me';

-- name: held
SELECT held.family_id, held.member_id, held.body
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (family_id, member_id)
  JOIN held USING (family_id, member_id)
 ORDER BY held.seq;

-- name: more_held
-- The families with more than $3 events held from one of these members. Counts no further than that.
SELECT wanted.family_id
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (family_id, member_id)
 WHERE (SELECT count(*)
          FROM (SELECT
                  FROM held
                 WHERE held.family_id = wanted.family_id
                   AND held.member_id = wanted.member_id
                 LIMIT $3::integer + 1) AS few) > $3::integer;

-- name: own_sightings
-- The own sightings of these members.
SELECT wanted.family_id, wanted.member_id, sighting.seq, sighting.body
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (family_id, member_id)
  JOIN sighting USING (family_id, member_id)
 WHERE sighting.milestone IS NOT NULL;

-- name: sightings_of
-- The own sightings of these members, of these subjects.
SELECT sighting.family_id, sighting.member_id, sighting.seq, sighting.body
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) AS wanted (family_id, member_id, child_id, milestone)
  JOIN sighting USING (family_id, member_id, child_id, milestone);
