-- name: lock
-- Waits until no other process migrates this database. The session keeps the lock until it ends.
SELECT pg_advisory_lock($1);

-- name: has_any
-- Returns whether a migration was ever applied: the tool makes its table before the first one.
SELECT to_regclass('public._pogo_migration') IS NOT NULL;
