-- Surprises: the choices of members, the events that are held from them, and the thread of each event.
-- depends: 0004_access_lookups

-- migrate: apply

ALTER TABLE event ADD COLUMN thread_seq bigint CHECK (thread_seq < seq);

COMMENT ON COLUMN event.thread_seq IS 'the event at the end of the chain of references; null: it refers to none';

-- Earlier events get their thread. Neither their content nor their commitment changes.
ALTER TABLE event DISABLE TRIGGER event_is_append_only;

WITH RECURSIVE thread AS (
  SELECT family_id, seq, seq AS top
    FROM event
   WHERE target_seq IS NULL
   UNION ALL
  SELECT event.family_id, event.seq, thread.top
    FROM thread
    JOIN event ON event.family_id = thread.family_id AND event.target_seq = thread.seq
)
UPDATE event
   SET thread_seq = thread.top
  FROM thread
 WHERE event.family_id = thread.family_id
   AND event.seq = thread.seq
   AND event.target_seq IS NOT NULL;

ALTER TABLE event ENABLE TRIGGER event_is_append_only;

ALTER TABLE event ADD CONSTRAINT event_in_a_thread CHECK ((thread_seq IS NULL) = (target_seq IS NULL));

-- Finds the amendments and sortings of a thread, which are few.
CREATE INDEX event_second_thoughts ON event (family_id, thread_seq) WHERE kind IN ('Amended', 'Sorted');

-- One row for each member who has chosen anything.
CREATE TABLE waiting (
  family_id    uuid     NOT NULL,
  member_id    uuid     NOT NULL,
  at_most_days smallint,
  body         bytea    NOT NULL,
  PRIMARY KEY (family_id, member_id)
);

COMMENT ON COLUMN waiting.at_most_days IS 'the least of all choices: no clock needs to look at this member earlier';

CREATE TABLE held (
  family_id uuid        NOT NULL,
  member_id uuid        NOT NULL,
  seq       bigint      NOT NULL,
  since     timestamptz NOT NULL,
  is_name   boolean     NOT NULL,
  body      bytea       NOT NULL,
  PRIMARY KEY (family_id, member_id, seq)
);

COMMENT ON COLUMN held.is_name IS 'the name of a milestone of the family''s own, which nobody knows from whom it is held';

CREATE INDEX held_names ON held (family_id) WHERE is_name;

-- A member's own sightings are the milestones that they have met.
ALTER TABLE sighting ADD COLUMN own boolean NOT NULL DEFAULT false;

UPDATE sighting
   SET own = true
  FROM event
 WHERE event.family_id = sighting.family_id
   AND event.seq = sighting.seq
   AND event.author_id = sighting.member_id;

CREATE INDEX sighting_own ON sighting (family_id, member_id) WHERE own;

-- A hint is an entry without an event.
ALTER TABLE feed_run ADD COLUMN hint bytea;
ALTER TABLE feed_run DROP CONSTRAINT feed_run_first_seq_check;
ALTER TABLE feed_run ADD CONSTRAINT feed_run_tells CHECK (CASE WHEN hint IS NULL THEN first_seq > 0 ELSE first_seq = 0 AND length = 1 END);
ALTER TABLE feed_run DROP CONSTRAINT feed_run_released_check;
ALTER TABLE feed_run ADD CONSTRAINT feed_run_released CHECK (released IN ('own_first', 'opened', 'told', 'time', 'sorted'));

CREATE INDEX feed_run_hints ON feed_run (family_id, member_id) WHERE hint IS NOT NULL;

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON waiting, held TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP INDEX feed_run_hints;
DELETE FROM feed_run WHERE hint IS NOT NULL OR released = 'sorted';
ALTER TABLE feed_run DROP CONSTRAINT feed_run_released;
ALTER TABLE feed_run ADD CONSTRAINT feed_run_released_check CHECK (released IN ('own_first', 'opened', 'told', 'time'));
ALTER TABLE feed_run DROP CONSTRAINT feed_run_tells;
ALTER TABLE feed_run ADD CONSTRAINT feed_run_first_seq_check CHECK (first_seq > 0);
ALTER TABLE feed_run DROP COLUMN hint;
DROP INDEX sighting_own;
ALTER TABLE sighting DROP COLUMN own;
DROP TABLE held;
DROP TABLE waiting;
DROP INDEX event_second_thoughts;
ALTER TABLE event DROP CONSTRAINT event_in_a_thread;
ALTER TABLE event DROP COLUMN thread_seq;
