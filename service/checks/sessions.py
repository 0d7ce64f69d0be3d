"""Detects whether each connection to PostgreSQL has its own session. A transaction pool (PgBouncer) shares sessions.

Owns the experiment. The service sets the role and the timeouts once for each session, and prepares each statement once. Behind a
transaction pool these settings are lost, or apply to another client.
"""

import asyncio
import contextlib
from typing import Final

import asyncpg

from service.postgres.neutral import NEUTRAL
from service.postgres.queries import load

QUERIES = load(__package__, "database.sql")
ROUNDS: Final = 3
"""Number of rounds of the experiment: several, because a pool may return the same server process twice by chance."""
CLOSE_S_MAX: Final = 1.0
STATEMENT_LOST: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""The errors that Postgres raises if a statement was prepared in another session, or by another client in this session."""


async def has_own_sessions(database_url: str, *, within_s: float) -> bool:
    """Returns whether each of two connections keeps its own server process, even while the other connection is in use.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: the experiment could not be completed.
    """
    async with asyncio.timeout(within_s):
        one = await asyncpg.connect(database_url)
        try:
            other = await asyncpg.connect(database_url)
            try:
                return await _use_own_processes(one, other)
            except STATEMENT_LOST:
                return False
            finally:
                await _close(other)
        finally:
            await _close(one)


async def _close(connection: asyncpg.Connection) -> None:
    """Closes a connection cleanly, so that the server can accept another one.

    Aborts the connection after `CLOSE_S_MAX` seconds.
    """
    with contextlib.suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=CLOSE_S_MAX)


async def _use_own_processes(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    for connection in (one, other):
        await connection.execute(NEUTRAL)
    for _ in range(ROUNDS):
        # A transaction pool gives the process that `one` has just used to `other`, or gives `one` a different process.
        first = await one.fetchval(QUERIES.backend)
        async with other.transaction():
            if await other.fetchval(QUERIES.backend) == first:
                return False
            async with one.transaction():
                if await one.fetchval(QUERIES.backend) != first:
                    return False
    return True
