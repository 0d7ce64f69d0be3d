-- Finds the members who set a limit of days, for the clock's query every few minutes. They are few.
-- depends: 0005_surprise

-- migrate: apply

CREATE INDEX waiting_with_a_limit ON waiting (family_id, member_id) WHERE at_most_days IS NOT NULL;

-- migrate: rollback

DROP INDEX waiting_with_a_limit;
