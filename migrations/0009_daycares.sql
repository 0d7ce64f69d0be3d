-- Daycares: systems that post with a key of their own, the children that their references mean, and the result of each record.
-- depends: 0008_own_sightings_by_subject

-- migrate: apply

-- A daycare is a person without devices: it joins and leaves families as a person does. Its secrets are stored in clear, since
-- checking a signature takes the secret that made it.
CREATE TABLE daycare (
  key_id       uuid        NOT NULL,
  person_id    uuid        NOT NULL,
  name         text        NOT NULL,
  family_id    uuid,
  secret       bytea       NOT NULL CHECK (octet_length(secret) = 32),
  before       bytea       CHECK (octet_length(before) = 32),
  before_until timestamptz,
  rotated_by   text,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (key_id),
  CHECK ((before IS NULL) = (before_until IS NULL))
);

COMMENT ON COLUMN daycare.family_id IS 'the one family that this key is for; null: whichever family gives it a code';

CREATE INDEX daycare_by_person ON daycare (person_id);

-- Recent signed calls: a second call with the same signature is a replay.
CREATE TABLE daycare_call (
  key_id    uuid   NOT NULL,
  call_id   text   NOT NULL,
  signed_at bigint NOT NULL,
  PRIMARY KEY (key_id, signed_at, call_id)
);

CREATE INDEX daycare_call_by_id ON daycare_call (key_id, call_id);

CREATE TABLE daycare_code (
  code_hash    bytea       NOT NULL CHECK (octet_length(code_hash) = 32),
  family_id    uuid        NOT NULL,
  child_id     uuid        NOT NULL,
  made_by      uuid        NOT NULL,
  household_id uuid        NOT NULL,
  expires_at   timestamptz NOT NULL,
  used_at      timestamptz,
  PRIMARY KEY (code_hash)
);

-- The child that a daycare's reference means. No child: the family ended the link, and may make it again.
CREATE TABLE daycare_child (
  person_id uuid NOT NULL,
  reference text NOT NULL,
  family_id uuid NOT NULL,
  member_id uuid NOT NULL,
  child_id  uuid,
  PRIMARY KEY (person_id, reference)
);

CREATE INDEX daycare_child_by_family ON daycare_child (family_id);

-- Records that wait until a parent links their reference to a child.
CREATE TABLE daycare_waiting (
  person_id   uuid        NOT NULL,
  reference   text        NOT NULL,
  source      text        NOT NULL,
  record      text        NOT NULL,
  revised_at  timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  shown_name  text,
  body        bytea       NOT NULL,
  PRIMARY KEY (person_id, reference, source, record)
);

-- The person that writes the files of a source in a family.
CREATE TABLE importer (
  family_id uuid NOT NULL,
  source    text NOT NULL,
  person_id uuid NOT NULL,
  PRIMARY KEY (family_id, source)
);

-- The result of each record of an outside system: none of its words, and digests of them only with a salt.
CREATE TABLE ledger (
  family_id uuid    NOT NULL,
  member_id uuid    NOT NULL,
  source    text    NOT NULL,
  record    text    NOT NULL,
  revision  integer NOT NULL CHECK (revision > 0),
  said      bytea   NOT NULL,
  PRIMARY KEY (family_id, member_id, source, record)
);

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON daycare, daycare_call, daycare_code, daycare_child, daycare_waiting, importer, ledger TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- Finds the events of these two kinds for the hand-over card. They are few.
CREATE INDEX event_names_and_sortings ON event (family_id, seq) WHERE kind IN ('Sorted', 'MilestoneNamed');

-- migrate: rollback

DROP INDEX event_names_and_sortings;
DROP TABLE ledger;
DROP TABLE importer;
DROP TABLE daycare_waiting;
DROP TABLE daycare_child;
DROP TABLE daycare_code;
DROP TABLE daycare_call;
DROP TABLE daycare;
