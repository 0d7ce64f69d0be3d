-- The clock asks every few minutes who has waited long enough: few who choose ever set a limit.
-- depends: 0005_surprise

-- migrate: apply

CREATE INDEX waiting_with_a_limit ON waiting (family_id, member_id) WHERE at_most_days IS NOT NULL;

-- migrate: rollback

DROP INDEX waiting_with_a_limit;
