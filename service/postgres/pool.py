"""Opens connections that may do what the service does, and no more.

Owns how a session begins and what is undone when it goes back. Knows no query and no table.
"""

import asyncpg

from service.postgres.neutral import NEUTRAL

# Made by the migrations: may read and add to the log, and neither change nor delete what it holds.
ROLE = "stillnew_app"

# Where a migrating login may not make roles there is none to step down to, and the log's trigger alone refuses.
# No wait without an end (law 17): a statement of ours that takes this long has met a lock that nobody gives back.
# Every statement of ours looks up keys. One that is planned while its tables are small would read them whole, and a session
# keeps that plan until they are analyzed: a page of 2,000 entries took 180 ms instead of 5.
BEGIN = f"""
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = '{ROLE}' AND pg_has_role(oid, 'SET');
SET statement_timeout = '30s';
SET lock_timeout = '10s';
SET idle_in_transaction_session_timeout = '30s';
SET jit = off;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
"""
COMMAND_S_MAX = 35.0   # a little over statement_timeout: the server's own answer says more
CONNECT_S_MAX = 10.0
PLAN_S_MAX = 10    # and what was planned for a small table is planned anew before the table has grown much


async def open_pool(database_url: str, *, size_max: int = 10) -> asyncpg.Pool:
    """Open up to `size_max` connections to a migrated database; uuid columns are `uuid.UUID`.

    Raises:
        OSError, asyncpg.PostgresError: nobody answers there, or not to us.
    """
    pool: asyncpg.Pool = await asyncpg.create_pool(
        database_url,
        min_size=min(2, size_max),
        max_size=size_max,
        timeout=CONNECT_S_MAX,
        command_timeout=COMMAND_S_MAX,
        max_cached_statement_lifetime=PLAN_S_MAX,
        init=begin,
        reset=leave_as_it_is,
        server_settings={"application_name": "stillnew"},
    )
    return pool


async def connect(database_url: str) -> asyncpg.Connection:
    """Open one connection with the same rights, for work that keeps its own: a committer, a replay."""
    connection: asyncpg.Connection = await asyncpg.connect(
        database_url,
        timeout=CONNECT_S_MAX,
        command_timeout=COMMAND_S_MAX,
        max_cached_statement_lifetime=PLAN_S_MAX,
        server_settings={"application_name": "stillnew"},
    )
    await begin(connection)
    return connection


async def begin(connection: asyncpg.Connection) -> None:
    """Step down to the service's role, where it exists, and bound every wait."""
    await connection.execute(NEUTRAL + BEGIN)


async def leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Spare the round trip that wipes a session at every release.

    asyncpg has rolled back what was open before it calls this. We set nothing else in a session:
    no LISTEN, no advisory lock, no cursor beyond a transaction, no temporary table.
    """
