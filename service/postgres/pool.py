"""Opens connections with only the rights that the service needs, and with a bound on every wait. Combines writes.

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
from service.postgres.queries import load

QUERIES: Final = load(__package__, "pool.sql")

SILENT_S_MAX: Final = 5.0
"""The longest wait for the response to a command. Then the connection is cut, without a request to the server."""
STATEMENT_S_MAX: Final = 4.5
"""The server's time limit for a statement, below `SILENT_S_MAX`, so that the server ends the statement and frees its locks."""
LOCK_S_MAX: Final = 1.0
"""The longest wait of a statement for a lock. A longer wait means that a transaction hangs (law 17)."""
ACQUIRE_S_MAX: Final = 3.0
"""The longest wait for a connection of the pool, including the time to open a new connection."""
CONNECT_S_MAX: Final = 3.0
CLOSE_S_MAX: Final = 2.0
PATIENT_S_MAX: Final = 30.0
"""The time limit of a statement in an operator's commands, which read whole families. A third of it is the limit for a lock."""
PLAN_S_MAX: Final = 10
"""The age at which a statement is planned again, so that no plan for a small table is used after the table has grown much."""

Statement = tuple[str, Sequence[Any]]
"""The text of a write, with or without a semicolon at its end, and the arguments: columns of equal length."""

Row = tuple[Any, ...]

ROWS_AT_ONCE: Final = 1_000
PARAMETER: Final = re.compile(r"\$(\d+)")

T = TypeVar("T")
logger = structlog.get_logger()


class Transaction(AsyncpgTransaction):
    """A transaction of asyncpg. On a cut connection it sends no rollback, which would hide the error that cut the connection."""

    def __init__(self, connection: asyncpg.Connection, isolation: Any, readonly: bool, deferrable: bool) -> None:
        super().__init__(connection, isolation, readonly, deferrable)
        self._on = connection

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is None or not self._on.is_closed():
            await super().__aexit__(kind, error, trace)


class Connection(asyncpg.Connection):
    """A connection of asyncpg that is cut when the server does not respond in time, or when the command is cancelled.

    asyncpg itself would request a cancellation, and wait for a confirmation that a frozen server never sends.
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
    """A connection for an operator's commands, with a longer time limit."""

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
        init=_begin_in_pool,
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
    """Closes all connections. Cuts the connections that the server does not close within `CLOSE_S_MAX` seconds."""
    try:
        async with asyncio.timeout(CLOSE_S_MAX):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def connect(database_url: str, *, lock_s_max: float = LOCK_S_MAX) -> asyncpg.Connection:
    """Opens a connection with the rights of the pool's connections, for a committer, which does not use the pool."""
    connection = await _connect(database_url, Connection)
    await _begin(connection, statement_s_max=STATEMENT_S_MAX, lock_s_max=lock_s_max)
    return connection


async def connect_patiently(database_url: str) -> asyncpg.Connection:
    """Opens a connection with the rights of the pool's connections, for an operator's commands, such as a replay."""
    connection = await _connect(database_url, PatientConnection)
    await _begin(connection, statement_s_max=PATIENT_S_MAX, lock_s_max=PATIENT_S_MAX / 3)
    return connection


async def close(connection: asyncpg.Connection) -> None:
    """Closes a connection, or cuts it if the server does not close it within `CLOSE_S_MAX` seconds."""
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


async def _begin(connection: asyncpg.Connection, *more: str, statement_s_max: float, lock_s_max: float) -> None:
    """Resets a session, switches to the service's role if it exists, and sets the time limits and the planner's options."""
    await connection.execute("\n".join([NEUTRAL, QUERIES.begin, *more]))
    await connection.execute(QUERIES.bound_waits, f"{statement_s_max * 1_000:.0f}ms", f"{lock_s_max * 1_000:.0f}ms")


async def _begin_in_pool(connection: asyncpg.Connection) -> None:
    await _begin(connection, QUERIES.plan_once, statement_s_max=STATEMENT_S_MAX, lock_s_max=LOCK_S_MAX)


async def leave_as_it_is(connection: asyncpg.Connection) -> None:
    """Does nothing, to save the round trip that resets a session at every release.

    asyncpg rolls back an open transaction before it calls this function. The service leaves nothing else in a session: no LISTEN,
    no advisory lock, no cursor beyond a transaction, no temporary table.
    """


def of_rows(query: str, rows: Iterable[Row]) -> list[Statement]:
    """Returns a list with one statement that writes rows, with an argument per column, or an empty list if there are no rows."""
    return [(query, columns)] if (columns := list(zip(*rows, strict=True))) else []


async def together(connection: Any, statements: Sequence[Statement]) -> None:
    """Executes writes in one round trip, as parts of one WITH. Writes of more than `ROWS_AT_ONCE` rows run before, in portions.

    Postgres runs the parts of a WITH in one snapshot. So no write may depend on another write's result, and no two may write the
    same row. Each part is a query of an .sql file. Only the WITH around the parts is built here, because the caller decides at
    run time which parts there are. Encoding the arguments occupies the event loop for about 4 us a row.
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
    """Returns one statement made of several: all but the last become parts of a WITH, and the parameters are renumbered."""
    parts, taken = [], 0
    for query, count in statements:
        parts.append(_renumbered(query.rstrip("; \n"), taken))
        taken += count
    *before, last = parts
    named = ",\n".join(f"_{number} AS (\n{part}\n)" for number, part in enumerate(before))
    return f"WITH {named}\n{last}" if before else last


def _renumbered(query: str, taken: int) -> str:
    """Returns a statement whose parameters follow the `taken` parameters of the statements before."""
    return PARAMETER.sub(lambda parameter: f"${int(parameter[1]) + taken}", query)
