-- name: facts
-- Reads the facts about the server, the database and the login. Writes nothing; works on old versions of PostgreSQL too.
SELECT current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS is_in_recovery,
       current_setting('transaction_read_only') = 'on' AS is_read_only,
       current_schema() AS schema,
       (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public') AS may_create,
       (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('public.event')) AS owns_tables,
       (SELECT has_table_privilege(oid, 'INSERT') OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'stillnew_app' AND pg_has_role(oid, 'MEMBER'))
          FROM pg_class WHERE oid = to_regclass('public.event')) AS may_add,
       (SELECT array_agg(name || ' = ' || setting ORDER BY name) FROM pg_settings
         WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') AND setting = 'off') AS unsafe,
       least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
             (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user AND NOT rolsuper),
             (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())) AS connections;

-- name: backend
-- Returns the id of the server process of this session.
SELECT pg_backend_pid();
