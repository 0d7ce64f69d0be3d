-- name: begin
-- Takes the role that the migrations make: it may read the log and append to it, but neither change nor delete events. Where a
-- login may not make roles, the role is missing, and the log's trigger alone refuses changes.
-- Turns plans off that read whole tables: all statements look up keys. A statement that is planned while its tables are small
-- would otherwise read them whole, and keep that plan until they are analyzed: a page of 2,000 entries took 180 ms instead of 5.
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = 'stillnew_app' AND pg_has_role(oid, 'SET');
SET idle_in_transaction_session_timeout = '30s';
SET jit = off;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;

-- name: bound_waits
-- Bounds the time of each statement, and its wait for a lock, each as a text with a unit.
SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false);

-- name: plan_once
-- Plans a statement once, and not at each execution. A read looks up one key, so no parameter's value leads to a better plan: a
-- live entry takes 0.08 ms instead of 0.23. A committer's statements take arrays of any length: they are planned for these, or a
-- flush of 100 drafts writes three quarters as much.
SET plan_cache_mode = force_generic_plan;
