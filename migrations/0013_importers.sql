-- One importer for each parent and source, records that several importers share, and a secret for each family's ids.
-- depends: 0010_webhooks

-- migrate: apply

-- The ids of daycares' events are derived with it, so that knowing a record's id is not enough to compute its event's id.
CREATE TABLE family_secret (
  family_id uuid  NOT NULL,
  secret    bytea NOT NULL CHECK (octet_length(secret) = 32),
  PRIMARY KEY (family_id)
);

-- A source had one importer a family. From here on each parent has their own, and an importer's events belong to its parent.
ALTER TABLE importer ADD COLUMN member_id uuid;
ALTER TABLE importer ADD COLUMN imported_by uuid;
ALTER TABLE importer ADD COLUMN is_retired boolean NOT NULL DEFAULT false;

UPDATE importer
   SET member_id = membership.member_id
  FROM membership
 WHERE membership.family_id = importer.family_id
   AND membership.person_id = importer.person_id;

DELETE FROM importer WHERE member_id IS NULL;

-- The importer's parent is the author of its MemberJoined; otherwise the author of the first event, who founded the family.
UPDATE importer
   SET imported_by = coalesce(
       (SELECT event.author_id
          FROM event
         WHERE event.family_id = importer.family_id
           AND event.kind = 'MemberJoined'
           AND position(convert_to('"member":"' || importer.member_id || '"', 'UTF8') IN event.body) > 0
         ORDER BY event.seq
         LIMIT 1),
       (SELECT event.author_id
          FROM event
         WHERE event.family_id = importer.family_id
           AND event.seq = 1));

DELETE FROM importer WHERE imported_by IS NULL;

ALTER TABLE importer ALTER COLUMN member_id SET NOT NULL;
ALTER TABLE importer ALTER COLUMN imported_by SET NOT NULL;
ALTER TABLE importer DROP CONSTRAINT importer_pkey;
ALTER TABLE importer ADD PRIMARY KEY (family_id, member_id);

COMMENT ON COLUMN importer.member_id IS 'the importer itself, of the role daycare';
COMMENT ON COLUMN importer.imported_by IS 'the parent whose files it wrote';
COMMENT ON COLUMN importer.is_retired IS 'it was removed from the family; what it wrote stays that parent''s';

CREATE UNIQUE INDEX importer_in_use ON importer (family_id, source, imported_by) WHERE NOT is_retired;

-- Records that another importer has recorded already: they share its events, until either record changes.
CREATE TABLE shared_record (
  family_id uuid     NOT NULL,
  event_id  uuid     NOT NULL,
  author_id uuid     NOT NULL,
  member_id uuid     NOT NULL,
  source    text     NOT NULL,
  record    text     NOT NULL,
  part      smallint NOT NULL,
  own_id    uuid     NOT NULL,
  PRIMARY KEY (family_id, event_id, member_id)
);

COMMENT ON COLUMN shared_record.author_id IS 'the importer that wrote the event';
COMMENT ON COLUMN shared_record.member_id IS 'the importer of which a record says the same';
COMMENT ON COLUMN shared_record.own_id IS 'the id that its own event gets where the other one is changed';

CREATE INDEX shared_record_by_record ON shared_record (family_id, member_id, source, record);

-- Finds the withdrawal of an event. They are few.
CREATE INDEX event_withdrawals ON event (family_id, target_seq) WHERE kind = 'Withdrawn';

DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE, DELETE ON family_secret, shared_record TO stillnew_app;
EXCEPTION
  WHEN undefined_object THEN RAISE NOTICE 'no role stillnew_app to grant to';
END
$$;

-- migrate: rollback

DROP INDEX event_withdrawals;
DROP TABLE shared_record;
DROP INDEX importer_in_use;
DELETE FROM importer WHERE is_retired;
DELETE FROM importer
 USING importer AS first
 WHERE first.family_id = importer.family_id
   AND first.source = importer.source
   AND first.member_id < importer.member_id;
ALTER TABLE importer DROP CONSTRAINT importer_pkey;
ALTER TABLE importer ADD PRIMARY KEY (family_id, source);
ALTER TABLE importer DROP COLUMN is_retired;
ALTER TABLE importer DROP COLUMN imported_by;
ALTER TABLE importer DROP COLUMN member_id;
DROP TABLE family_secret;
