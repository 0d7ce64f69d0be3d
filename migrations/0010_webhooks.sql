-- Webhooks: the address to which a member's feed is posted, its secrets, and the place that was delivered.
-- depends: 0009_daycares

-- migrate: apply

-- Nothing of a feed is stored here except a place: entries are read when they are sent, and held events have no place.
CREATE TABLE webhook (
  family_id     uuid        NOT NULL,
  member_id     uuid        NOT NULL,
  webhook_id    uuid        NOT NULL,
  url           text        NOT NULL CHECK (octet_length(url) <= 2048),
  name          text,
  secret        bytea       NOT NULL CHECK (octet_length(secret) = 32),
  before        bytea       CHECK (octet_length(before) = 32),
  before_until  timestamptz,
  created_at    timestamptz NOT NULL,
  place         bigint      NOT NULL CHECK (place >= 0),
  attempts      integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  failing_since timestamptz,
  failed_as     text        CHECK (failed_as IN ('no_answer', '3xx', '4xx', '5xx')),
  next_at       timestamptz NOT NULL,
  disabled_at   timestamptz,
  disabled_as   text        CHECK (disabled_as IN ('gone', 'failed_for_days')),
  lease_id      uuid,
  leased_until  timestamptz,
  PRIMARY KEY (family_id, member_id, webhook_id),
  CHECK ((before IS NULL) = (before_until IS NULL)),
  CHECK ((attempts = 0) = (failing_since IS NULL) AND (attempts = 0) = (failed_as IS NULL)),
  CHECK ((disabled_at IS NULL) = (disabled_as IS NULL)),
  CHECK ((lease_id IS NULL) = (leased_until IS NULL))
) WITH (fillfactor = 50);

COMMENT ON COLUMN webhook.place IS 'of the member''s feed: delivered so far';
COMMENT ON COLUMN webhook.secret IS 'as it is, since what is signed with cannot be kept as a hash';
COMMENT ON COLUMN webhook.lease_id IS 'the one turn that may send now, of whichever process';

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP TABLE webhook;
