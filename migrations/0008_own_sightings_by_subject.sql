-- Finds what a member has met by the subject of an event. All of it is never read: what others have seen is what is held.
-- depends: 0007_listed_runs

-- migrate: apply

ALTER TABLE sighting ADD COLUMN child_id uuid;
ALTER TABLE sighting ADD COLUMN milestone text;

UPDATE sighting
   SET child_id = (convert_from(body, 'UTF8')::jsonb ->> 2)::uuid,
       milestone = convert_from(body, 'UTF8')::jsonb ->> 3
 WHERE own;

DROP INDEX sighting_own;
ALTER TABLE sighting DROP COLUMN own;
ALTER TABLE sighting ADD CONSTRAINT sighting_of_both CHECK ((child_id IS NULL) = (milestone IS NULL));

COMMENT ON COLUMN sighting.milestone IS 'null: somebody else''s; a member has met what they have seen themselves';

CREATE INDEX sighting_own ON sighting (family_id, member_id, child_id, milestone) WHERE milestone IS NOT NULL;

-- migrate: rollback

DROP INDEX sighting_own;
ALTER TABLE sighting ADD COLUMN own boolean NOT NULL DEFAULT false;
UPDATE sighting SET own = true WHERE milestone IS NOT NULL;
ALTER TABLE sighting DROP COLUMN milestone;
ALTER TABLE sighting DROP COLUMN child_id;
CREATE INDEX sighting_own ON sighting (family_id, member_id) WHERE own;
