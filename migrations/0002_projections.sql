-- The projections of the log for each member. `stillnew replay` can fold every row of them from the log again.
-- depends: 0001_log

-- migrate: apply

CREATE TABLE household (
  family_id    uuid NOT NULL,
  household_id uuid NOT NULL,
  name         text NOT NULL,
  PRIMARY KEY (family_id, household_id)
);

CREATE TABLE child (
  family_id uuid NOT NULL,
  child_id  uuid NOT NULL,
  name      text NOT NULL,
  born      date,
  PRIMARY KEY (family_id, child_id)
);

CREATE TABLE member (
  family_id    uuid    NOT NULL,
  member_id    uuid    NOT NULL,
  household_id uuid    NOT NULL,
  name         text    NOT NULL,
  role         text    NOT NULL CHECK (role IN ('parent', 'caregiver', 'daycare')),
  sees         text    NOT NULL CHECK (sees IN ('own', 'since_joining', 'all')),
  has_left     boolean NOT NULL,
  PRIMARY KEY (family_id, member_id)
);

CREATE TABLE own_milestone (
  family_id uuid        NOT NULL,
  milestone text        NOT NULL,
  title     text        NOT NULL,
  domain    text        NOT NULL,
  named_at  timestamptz NOT NULL,
  named_by  uuid        NOT NULL,
  PRIMARY KEY (family_id, milestone)
);

COMMENT ON COLUMN own_milestone.named_by IS 'of two names the one recorded later counts; named_by, an event, decides a tie';

-- A feed is stored as runs: places first_place, first_place + 1, ... are the events first_seq, first_seq + 1, ... Entries that were
-- delivered in the order of the log extend one run, so that a feed's size follows its gaps and not its history. A run ends at 256
-- entries, because a reader that starts inside of it hashes from its beginning.
CREATE TABLE feed_run (
  family_id    uuid    NOT NULL,
  member_id    uuid    NOT NULL,
  first_place  bigint  NOT NULL CHECK (first_place > 0),
  first_seq    bigint  NOT NULL CHECK (first_seq > 0),
  length       integer NOT NULL CHECK (length BETWEEN 1 AND 256),
  released     text    CHECK (released IN ('own_first', 'opened', 'told', 'time')),
  told_at      timestamptz,
  chain_before bytea   NOT NULL CHECK (octet_length(chain_before) = 32),
  chain        bytea   NOT NULL CHECK (octet_length(chain) = 32),
  PRIMARY KEY (family_id, member_id, first_place)
) WITH (fillfactor = 50);

COMMENT ON COLUMN feed_run.told_at IS 'null: each entry was told when its event was received';

-- Finds the place of an event in a feed: it is in the run with the greatest first_seq up to its own, if in any: runs never overlap.
CREATE INDEX feed_run_by_seq ON feed_run (family_id, member_id, first_seq);

-- What one parent knows of each sighting. Their timeline is made of it.
CREATE TABLE sighting (
  family_id uuid   NOT NULL,
  member_id uuid   NOT NULL,
  seq       bigint NOT NULL,
  body      bytea  NOT NULL,
  PRIMARY KEY (family_id, member_id, seq)
);

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON household, child, member, own_milestone, feed_run, sighting TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP TABLE sighting;
DROP TABLE feed_run;
DROP TABLE own_milestone;
DROP TABLE member;
DROP TABLE child;
DROP TABLE household;
