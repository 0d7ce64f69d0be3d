-- The feed of a member who keeps surprises: runs that list their entries, which need not be neighbours in the log then.
-- depends: 0006_waiting_by_time

-- migrate: apply

-- How long such a run is follows places alone: it tells no more of what lies between than a row for each entry would.

ALTER TABLE feed_run ADD COLUMN seqs bigint[];
ALTER TABLE feed_run ADD CONSTRAINT feed_run_lists CHECK (
  seqs IS NULL OR (cardinality(seqs) = length AND seqs[1] = first_seq AND told_at IS NULL)
);

COMMENT ON COLUMN feed_run.seqs IS 'null: its entries are neighbours in the log, from first_seq on';

-- Where one seq stands in one feed: of what was told in its time, and of what was told later, in the run with the greatest
-- first_seq before it, if in any. Of each kind no two runs overlap; one of the second may lie in a gap of the first.
DROP INDEX feed_run_by_seq;
CREATE INDEX feed_run_in_time ON feed_run (family_id, member_id, first_seq) WHERE told_at IS NULL;
CREATE INDEX feed_run_late ON feed_run (family_id, member_id, first_seq) WHERE told_at IS NOT NULL;

-- migrate: rollback

DROP INDEX feed_run_late;
DROP INDEX feed_run_in_time;
DELETE FROM feed_run WHERE seqs IS NOT NULL;
ALTER TABLE feed_run DROP COLUMN seqs;
CREATE INDEX feed_run_by_seq ON feed_run (family_id, member_id, first_seq);
