-- name: neutral
-- transaction_timeout came with PostgreSQL 17.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_session_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET default_transaction_isolation = 'read committed';
SET default_transaction_deferrable = off;
SET timezone = 'UTC';
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout';
