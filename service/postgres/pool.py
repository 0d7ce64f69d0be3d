"""Opens connections that may do what the service does, and no more, and that wait for nothing without an end.

Owns how a session begins, what is undone when it goes back, and the bound on each wait. Knows no query and no table.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from asyncpg.transaction import Transaction as AsyncpgTransaction

from service.postgres.neutral import NEUTRAL

# Made by the migrations: may read and add to the log, and neither change nor delete what it holds.
ROLE: Final = "stillnew_app"

SILENT_S_MAX: Final = 5.0
"""A server that has not answered a command after this long is given up: the connection is cut, without asking the server."""
STATEMENT_S_MAX: Final = 4.5
"""A little less: the server's own answer says more, and frees what the statement held."""
LOCK_S_MAX: Final = 1.0
"""A statement that waits for a lock for so long has met a transaction that hangs (law 17)."""
ACQUIRE_S_MAX: Final = 3.0
"""Until a connection of the pool is free, a new one opened included."""
CONNECT_S_MAX: Final = 3.0
CLOSE_S_MAX: Final = 2.0
PATIENT_S_MAX: Final = 30.0
"""What an operator runs reads whole families, and may wait for a lock for ten seconds."""
PLAN_S_MAX: Final = 10
"""What was planned for a small table is planned anew before the table has grown much."""

# A login that may not make roles has no role to step down to: then the log's trigger alone refuses changes.
# Every statement of ours looks up keys. One that is planned while its tables are small would read them whole, and a session
# keeps that plan until they are analyzed: a page of 2,000 entries took 180 ms instead of 5. For the same reason no value of a
# parameter changes a plan: a statement is planned once, not at each execution. That takes a live entry from 0.23 ms to 0.08.
BEGIN: Final = f"""
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = '{ROLE}' AND pg_has_role(oid, 'SET');
SET statement_timeout = '%dms';
SET lock_timeout = '%dms';
SET idle_in_transaction_session_timeout = '30s';
SET jit = off;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET plan_cache_mode = force_generic_plan;
"""

T = TypeVar("T")
logger = structlog.get_logger()


class Transaction(AsyncpgTransaction):
    """asyncpg's, of which nothing is rolled back where the connection was cut: the error that cut it says more."""

    def __init__(self, connection: asyncpg.Connection, isolation: Any, readonly: bool, deferrable: bool) -> None:
        super().__init__(connection, isolation, readonly, deferrable)
        self._of = connection

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None or not self._of.is_closed():
            await super().__aexit__(kind, error, trace)


class Connection(asyncpg.Connection):
    """asyncpg's, cut where the server is silent for too long, or where nobody waits for its answer any more.

    asyncpg would ask the server to cancel the command, and wait until it has: a frozen server never does.
    """

    silent_s_max = SILENT_S_MAX

    async def execute(self, *arguments: Any, **more: Any) -> str:
        return await self._bounded(super().execute(*arguments, **more))

    async def executemany(self, *arguments: Any, **more: Any) -> None:
        await self._bounded(super().executemany(*arguments, **more))

    async def fetch(self, *arguments: Any, **more: Any) -> Any:
        return await self._bounded(super().fetch(*arguments, **more))

    async def fetchrow(self, *arguments: Any, **more: Any) -> Any:
        return await self._bounded(super().fetchrow(*arguments, **more))

    async def fetchval(self, *arguments: Any, **more: Any) -> Any:
        return await self._bounded(super().fetchval(*arguments, **more))

    async def copy_records_to_table(self, *arguments: Any, **more: Any) -> str:
        return await self._bounded(super().copy_records_to_table(*arguments, **more))

    def transaction(self, *, isolation: Any = None, readonly: bool = False, deferrable: bool = False) -> Transaction:
        return Transaction(self, isolation, readonly, deferrable)

    async def _bounded(self, command: Coroutine[Any, Any, T]) -> T:
        cut = asyncio.get_running_loop().call_later(self.silent_s_max, self._cut)
        try:
            return await command
        except asyncio.CancelledError:
            self.terminate()
            raise
        finally:
            cut.cancel()

    def _cut(self) -> None:
        logger.warning("postgres is silent", code="postgres.silent")
        self.terminate()


class PatientConnection(Connection):
    """A connection for what an operator runs."""

    silent_s_max = PATIENT_S_MAX + 5.0


class Pool(asyncpg.Pool):
    """asyncpg's, in which nobody waits for a connection without an end."""

    def acquire(self, *, timeout: float | None = ACQUIRE_S_MAX) -> Any:
        return super().acquire(timeout=timeout)


async def open_pool(database_url: str, *, size_max: int = 10) -> asyncpg.Pool:
    """Open up to `size_max` connections to a migrated database; uuid columns are `uuid.UUID`.

    Raises:
        OSError, asyncpg.PostgresError: nobody answers there, or not to us.
    """
    pool: asyncpg.Pool = await Pool(
        database_url,
        min_size=min(2, size_max),
        max_size=size_max,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        init=_begin,
        reset=leave_as_it_is,
        loop=None,
        connection_class=Connection,
        record_class=asyncpg.Record,
        timeout=CONNECT_S_MAX,
        max_cached_statement_lifetime=PLAN_S_MAX,
        server_settings={"application_name": "stillnew"},
    )
    return pool


async def close_pool(pool: asyncpg.Pool) -> None:
    """Close all connections; cut those that the server does not let go."""
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def connect(database_url: str, *, lock_s_max: float = LOCK_S_MAX) -> asyncpg.Connection:
    """Open one connection with the same rights, for work that keeps its own: a committer."""
    connection = await _connect(database_url, Connection)
    await connection.execute(BEGIN % (STATEMENT_S_MAX * 1_000, lock_s_max * 1_000))
    return connection


async def connect_patiently(database_url: str) -> asyncpg.Connection:
    """Open one connection with the same rights, for what an operator runs: a replay, a look at a family."""
    connection = await _connect(database_url, PatientConnection)
    await connection.execute(BEGIN % (PATIENT_S_MAX * 1_000, PATIENT_S_MAX / 3 * 1_000))
    return connection


async def close(connection: asyncpg.Connection) -> None:
    """Close one connection; cut it if the server does not let it go."""
    try:
        await connection.close(timeout=CLOSE_S_MAX)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


async def _connect(database_url: str, connection_class: type[Connection]) -> asyncpg.Connection:
    connection: asyncpg.Connection = await asyncpg.connect(
        database_url,
        timeout=CONNECT_S_MAX,
        connection_class=connection_class,
        max_cached_statement_lifetime=PLAN_S_MAX,
        server_settings={"application_name": "stillnew"},
    )
    return connection


async def _begin(connection: asyncpg.Connection) -> None:
    """Step down to the service's role, where it exists, and bound every wait."""
    await connection.execute(NEUTRAL + BEGIN % (STATEMENT_S_MAX * 1_000, LOCK_S_MAX * 1_000))


async def leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Spare the round trip that wipes a session at every release.

    asyncpg has rolled back what was open before it calls this. We set nothing else in a session:
    no LISTEN, no advisory lock, no cursor beyond a transaction, no temporary table.
    """
