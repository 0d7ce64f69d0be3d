-- Access: persons, devices, memberships and codes. Persons and devices belong to no family. Tokens and codes are stored as hashes.
-- depends: 0002_projections

-- migrate: apply

CREATE TABLE person (
  person_id  uuid        NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (person_id)
);

CREATE TABLE device (
  device_id  uuid        NOT NULL,
  person_id  uuid        NOT NULL,
  name       text        NOT NULL,
  token_hash bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
  created_at timestamptz NOT NULL,
  revoked_at timestamptz,
  PRIMARY KEY (device_id)
);

CREATE UNIQUE INDEX device_by_token ON device (token_hash);
CREATE INDEX device_by_person ON device (person_id);
CREATE INDEX device_by_revocation ON device (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE membership (
  person_id uuid NOT NULL,
  family_id uuid NOT NULL,
  member_id uuid NOT NULL,
  PRIMARY KEY (person_id, family_id)
);

CREATE TABLE invite (
  code_hash      bytea       NOT NULL CHECK (octet_length(code_hash) = 32),
  family_id      uuid        NOT NULL,
  invited_by     uuid        NOT NULL,
  role           text        NOT NULL,
  sees           text        NOT NULL,
  household_id   uuid,
  household_name text,
  name           text,
  expires_at     timestamptz NOT NULL,
  used_at        timestamptz,
  PRIMARY KEY (code_hash),
  CHECK ((household_id IS NULL) <> (household_name IS NULL))
);

CREATE TABLE pair_code (
  code_hash  bytea       NOT NULL CHECK (octet_length(code_hash) = 32),
  person_id  uuid        NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  PRIMARY KEY (code_hash)
);

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON person, device, membership, invite, pair_code TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP TABLE pair_code;
DROP TABLE invite;
DROP TABLE membership;
DROP TABLE device;
DROP TABLE person;
