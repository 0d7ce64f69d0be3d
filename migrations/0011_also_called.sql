-- Nicknames that a daycare may use for a child that one of its references means.
-- depends: 0010_webhooks

-- migrate: apply

ALTER TABLE daycare_child ADD COLUMN also_called text[] NOT NULL DEFAULT '{}' CHECK (cardinality(also_called) <= 16);

COMMENT ON COLUMN daycare_child.also_called IS 'what else the family calls the child; empty again once the reference means another';

-- migrate: rollback

ALTER TABLE daycare_child DROP COLUMN also_called;
