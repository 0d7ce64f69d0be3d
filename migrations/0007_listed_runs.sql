-- Runs that list their entries, for the feed of a member who keeps surprises: such entries need not be neighbours in the log.
-- depends: 0006_waiting_by_time

-- migrate: apply

-- The length of such a run depends on places alone. So it reveals no more of held events than a row for each entry would.

ALTER TABLE feed_run ADD COLUMN seqs bigint[];
ALTER TABLE feed_run ADD CONSTRAINT feed_run_lists CHECK (
  seqs IS NULL OR (cardinality(seqs) = length AND seqs[1] = first_seq AND told_at IS NULL)
);

COMMENT ON COLUMN feed_run.seqs IS 'null: its entries are neighbours in the log, from first_seq on';

-- Find the place of an event in a feed. Runs that were delivered as their events were received, and runs that were delivered later,
-- each have an index: the event is in the run with the greatest first_seq up to its own, if in any. Runs of one kind never overlap;
-- a late run may lie in a gap of the others.
DROP INDEX feed_run_by_seq;
CREATE INDEX feed_run_in_time ON feed_run (family_id, member_id, first_seq) WHERE told_at IS NULL;
CREATE INDEX feed_run_late ON feed_run (family_id, member_id, first_seq) WHERE told_at IS NOT NULL;

-- migrate: rollback

DROP INDEX feed_run_late;
DROP INDEX feed_run_in_time;
DELETE FROM feed_run WHERE seqs IS NOT NULL;
ALTER TABLE feed_run DROP COLUMN seqs;
CREATE INDEX feed_run_by_seq ON feed_run (family_id, member_id, first_seq);
