"""Opens connections with the rights that the service needs and no more, and with a bound on every wait. Combines writes.

Owns how a session begins, how it returns to the pool, the bound of each wait, and how several writes go in one round trip.
Knows no query and no table.
"""

import asyncio
import re
from collections.abc import Coroutine, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from asyncpg.transaction import Transaction as AsyncpgTransaction

from service.postgres.neutral import NEUTRAL

# The migrations make this role. It may read the log and append to it, but neither change nor delete events.
ROLE: Final = "stillnew_app"

SILENT_S_MAX: Final = 5.0
"""After this long without a response to a command the connection is cut, without a request to the server."""
STATEMENT_S_MAX: Final = 4.5
"""A little less than `SILENT_S_MAX`: an error of the server states the cause, and frees the statement's locks."""
LOCK_S_MAX: Final = 1.0
"""The wait of a statement for a lock. A longer wait means that a transaction hangs (law 17)."""
ACQUIRE_S_MAX: Final = 3.0
"""The wait for a connection of the pool, including the time to open a new one."""
CONNECT_S_MAX: Final = 3.0
CLOSE_S_MAX: Final = 2.0
PATIENT_S_MAX: Final = 30.0
"""For an operator's commands, which read whole families. They may wait for a lock for ten seconds."""
PLAN_S_MAX: Final = 10
"""A statement that was planned for a small table is planned again before the table has grown much."""

# Where a login may not make roles, the role is missing, and the log's trigger alone refuses changes.
# All statements look up keys. Without these settings a statement that is planned while its tables are small would read them
# whole, and keep that plan until they are analyzed: a page of 2,000 entries took 180 ms instead of 5.
BEGIN: Final = f"""
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = '{ROLE}' AND pg_has_role(oid, 'SET');
SET statement_timeout = '%dms';
SET lock_timeout = '%dms';
SET idle_in_transaction_session_timeout = '30s';
SET jit = off;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
"""
# A read looks up one key, so no parameter's value leads to a better plan: it is planned once and not at each execution, and a
# live entry takes 0.08 ms instead of 0.23. A committer's statements take arrays of any length: they are planned for these, or a
# flush of 100 drafts writes three quarters as much.
PLAN_ONCE: Final = "SET plan_cache_mode = force_generic_plan;"

Statement = tuple[str, Sequence[Any]]
"""The text of a write, with or without a semicolon at its end, and its arguments: columns of equal length."""

Row = tuple[Any, ...]

ROWS_AT_ONCE: Final = 1_000
PARAMETER: Final = re.compile(r"\$(\d+)")

T = TypeVar("T")
logger = structlog.get_logger()


class Transaction(AsyncpgTransaction):
    """A transaction of asyncpg that is not rolled back on a cut connection, so that the error which cut it is raised."""

    def __init__(self, connection: asyncpg.Connection, isolation: Any, readonly: bool, deferrable: bool) -> None:
        super().__init__(connection, isolation, readonly, deferrable)
        self._on = connection

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None or not self._on.is_closed():
            await super().__aexit__(kind, error, trace)


class Connection(asyncpg.Connection):
    """A connection of asyncpg that is cut when the server does not respond in time, or when the command is cancelled.

    asyncpg itself would request a cancellation and wait for it, which a frozen server never confirms.
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
    """A connection for an operator's commands, with longer bounds."""

    silent_s_max = PATIENT_S_MAX + 5.0


class Pool(asyncpg.Pool):
    """A pool of asyncpg with a bound on the wait for a connection."""

    def acquire(self, *, timeout: float | None = ACQUIRE_S_MAX) -> Any:
        return super().acquire(timeout=timeout)


async def open_pool(database_url: str, *, size_max: int = 10) -> asyncpg.Pool:
    """Opens a pool of up to `size_max` connections to a migrated database; uuid columns are `uuid.UUID`.

    Raises:
        OSError, asyncpg.PostgresError: the server cannot be reached, or refuses the login.
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
    """Closes all connections; cuts those that the server does not close within `CLOSE_S_MAX`."""
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def connect(database_url: str, *, lock_s_max: float = LOCK_S_MAX) -> asyncpg.Connection:
    """Opens one connection with the same rights, for a committer, which keeps its own."""
    connection = await _connect(database_url, Connection)
    await connection.execute(BEGIN % (STATEMENT_S_MAX * 1_000, lock_s_max * 1_000))
    return connection


async def connect_patiently(database_url: str) -> asyncpg.Connection:
    """Opens one connection with the same rights, for an operator's commands, such as a replay."""
    connection = await _connect(database_url, PatientConnection)
    await connection.execute(BEGIN % (PATIENT_S_MAX * 1_000, PATIENT_S_MAX / 3 * 1_000))
    return connection


async def close(connection: asyncpg.Connection) -> None:
    """Closes one connection; cuts it where the server does not close it within `CLOSE_S_MAX`."""
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
    """Switches to the service's role, where it exists, and sets the time limits and the planner's options."""
    await connection.execute(NEUTRAL + BEGIN % (STATEMENT_S_MAX * 1_000, LOCK_S_MAX * 1_000) + PLAN_ONCE)


async def leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Does nothing, to save the round trip that resets a session at every release.

    asyncpg has rolled back an open transaction before it calls this. The service leaves nothing else in a
    session: no LISTEN, no advisory lock, no cursor beyond a transaction, no temporary table.
    """


def of_rows(query: str, rows: Iterable[Row]) -> list[Statement]:
    """Returns a statement that writes rows, one argument a column; no statement where there are no rows."""
    return [(query, columns)] if (columns := list(zip(*rows, strict=True))) else []


async def together(connection: Any, statements: Sequence[Statement]) -> None:
    """Executes writes in one round trip. Those of more than `ROWS_AT_ONCE` rows run before, in portions.

    Postgres runs the parts of a WITH in one snapshot: no write may depend on another's result, nor write the same row.
    Encoding the arguments occupies the event loop for about 4 us a row.
    """
    if any(len(arguments[0]) > ROWS_AT_ONCE for _, arguments in statements):
        many = [one for one in statements if len(one[1][0]) > ROWS_AT_ONCE]
        statements = [one for one in statements if len(one[1][0]) <= ROWS_AT_ONCE]
        for query, arguments in many:
            for first in range(0, len(arguments[0]), ROWS_AT_ONCE):
                await connection.execute(query, *(column[first : first + ROWS_AT_ONCE] for column in arguments))
    if statements:
        text = _joined(tuple((query, len(arguments)) for query, arguments in statements))
        await connection.execute(text, *(argument for _, arguments in statements for argument in arguments))


@lru_cache(maxsize=256)
def _joined(statements: tuple[tuple[str, int], ...]) -> str:
    """Returns one statement: all but the last become parts of a WITH, and the parameters are renumbered."""
    parts, taken = [], 0
    for query, count in statements:
        parts.append(PARAMETER.sub(lambda named, before=taken: f"${int(named[1]) + before}", query.rstrip("; \n")))  # type: ignore[misc]
        taken += count
    *before, last = parts
    named = ",\n".join(f"_{number} AS (\n{part}\n)" for number, part in enumerate(before))
    return f"WITH {named}\n{last}" if before else last
