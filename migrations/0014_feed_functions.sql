-- Decodes the runs of feeds in one place: the entries of a feed, its end, and the place of an event in it.
-- depends: 0013_importers

-- migrate: apply

-- Each is one SELECT in plain SQL, and STABLE, so that Postgres plans it as a part of the query that calls it, with the caller's
-- rights. That ends where an argument contains a subquery: pass a column of a subquery in FROM instead.

-- Returns the entries of a feed from one place on and before another, in no order. `chain_before` is null except at a run's start.
-- A run holds at most 256 entries: so a run that begins 256 places earlier has ended. A lateral with a limit looks each run up by
-- the log's key, whatever the planner knew of the tables when it planned.
-- A hint has no event: its kind is null, and its body is stored in its run.
CREATE FUNCTION feed_entries(of_family uuid, of_member uuid, from_place bigint, before_place bigint)
RETURNS TABLE (place bigint, released text, told_at timestamptz, chain_before bytea,
               commitment bytea, kind text, version smallint, body bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT run.first_place + coalesce(event.nth, 0), run.released, coalesce(run.told_at, event.received_at),
       CASE WHEN coalesce(event.nth, 0) = 0 THEN run.chain_before END,
       event.commitment, event.kind, event.version, coalesce(event.body, run.hint)
  FROM feed_run AS run
  LEFT JOIN LATERAL (
      (SELECT event.*, event.seq - run.first_seq AS nth
         FROM event
        WHERE run.seqs IS NULL
          AND event.family_id = of_family
          AND event.seq >= run.first_seq + greatest(from_place - run.first_place, 0)
          AND event.seq < run.first_seq + least(run.length, before_place - run.first_place)
        ORDER BY event.seq
        LIMIT 256)
        UNION ALL
       SELECT event.*, listed.nth - 1
         FROM unnest(run.seqs[:least(run.length, before_place - run.first_place)]) WITH ORDINALITY AS listed (seq, nth)
        CROSS JOIN LATERAL (SELECT * FROM event WHERE event.family_id = of_family AND event.seq = listed.seq LIMIT 1) AS event
        WHERE run.first_place + listed.nth - 1 >= from_place
       ) AS event ON true
 WHERE run.family_id = of_family
   AND run.member_id = of_member
   AND run.first_place > from_place - 256
   AND run.first_place < before_place
   AND run.first_place + run.length > from_place
$$;

-- Returns the last place of a feed and the chain there; no row where the feed is empty.
CREATE FUNCTION feed_end(of_family uuid, of_member uuid)
RETURNS TABLE (place bigint, chain bytea)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT run.first_place + run.length - 1, run.chain
  FROM feed_run AS run
 WHERE run.family_id = of_family
   AND run.member_id = of_member
 ORDER BY run.first_place DESC
 LIMIT 1
$$;

-- Returns the place of an event in a feed; no row where the feed does not contain it. Two runs can contain it: among those that
-- were delivered as their events were received, the one with the greatest first_seq up to the event's; and among those that were
-- delivered later, the same. Within each kind runs never overlap.
CREATE FUNCTION place_in_feed(of_family uuid, of_member uuid, of_seq bigint)
RETURNS TABLE (place bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
SELECT run.first_place + coalesce(array_position(run.seqs, of_seq) - 1, of_seq - run.first_seq)
  FROM (
      (SELECT *
         FROM feed_run
        WHERE feed_run.family_id = of_family
          AND feed_run.member_id = of_member
          AND feed_run.first_seq <= of_seq
          AND feed_run.told_at IS NULL
        ORDER BY feed_run.first_seq DESC
        LIMIT 1)
        UNION ALL
      (SELECT *
         FROM feed_run
        WHERE feed_run.family_id = of_family
          AND feed_run.member_id = of_member
          AND feed_run.first_seq <= of_seq
          AND feed_run.told_at IS NOT NULL
        ORDER BY feed_run.first_seq DESC
        LIMIT 1)) AS run
 WHERE CASE WHEN run.seqs IS NULL THEN run.first_seq + run.length > of_seq
            ELSE of_seq = ANY (run.seqs) END
$$;

REVOKE EXECUTE ON FUNCTION feed_entries, feed_end, place_in_feed FROM PUBLIC;

DO $$
BEGIN
  GRANT EXECUTE ON FUNCTION feed_entries, feed_end, place_in_feed TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP FUNCTION place_in_feed;
DROP FUNCTION feed_end;
DROP FUNCTION feed_entries;
