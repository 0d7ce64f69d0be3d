-- The log: one head row per family, one row per event, append-only by privilege and by trigger.
-- depends:

-- migrate: apply

-- The service uses this role, which cannot change or delete an event. Where the migrating user may not create roles, the trigger
-- below still refuses.
DO $$
BEGIN
  CREATE ROLE stillnew_app NOLOGIN;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN RAISE NOTICE 'role stillnew_app exists';
  WHEN insufficient_privilege THEN RAISE NOTICE 'may not create roles: append-only by trigger alone';
END
$$;

DO $$
BEGIN
  EXECUTE format('GRANT stillnew_app TO %I', current_user);
EXCEPTION
  WHEN undefined_object OR insufficient_privilege OR invalid_grant_operation THEN
    RAISE NOTICE 'stillnew_app is not granted to %', current_user;
END
$$;

-- An append locks this row until its commit, so that seq has no gaps and follows the order of commit (law 3).
CREATE TABLE family (
  family_id  uuid        NOT NULL,
  log_id     uuid        NOT NULL,
  last_seq   bigint      NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
  mended     bigint      NOT NULL DEFAULT 0,
  founded_at timestamptz NOT NULL,
  PRIMARY KEY (family_id)
) WITH (fillfactor = 50);

COMMENT ON COLUMN family.mended IS 'raised where a replay puts rows right, so that no writer trusts what it read before';

CREATE TABLE event (
  family_id   uuid        NOT NULL,
  seq         bigint      NOT NULL CHECK (seq > 0),
  event_id    uuid        NOT NULL,
  author_id   uuid        NOT NULL,
  kind        text        NOT NULL,
  version     smallint    NOT NULL,
  audience    text        NOT NULL CHECK (audience IN ('me', 'household', 'family')),
  target_seq  bigint      CHECK (target_seq < seq),
  received_at timestamptz NOT NULL,
  digest      bytea       NOT NULL CHECK (octet_length(digest) = 32),
  commitment  bytea       NOT NULL CHECK (octet_length(commitment) = 32),
  salt        bytea,
  body        bytea,
  PRIMARY KEY (family_id, seq)
);

-- Ids are scoped to their author, so that a member who guesses another's id learns nothing from using it.
CREATE UNIQUE INDEX event_by_id ON event (family_id, event_id, author_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'events are never updated or deleted' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER event_is_append_only
  BEFORE UPDATE OR DELETE ON event
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER event_is_never_emptied
  BEFORE TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

DO $$
BEGIN
  GRANT SELECT, INSERT ON event TO stillnew_app;
  GRANT SELECT, INSERT, UPDATE ON family TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP TABLE event;
DROP TABLE family;
DROP FUNCTION refuse_change();
