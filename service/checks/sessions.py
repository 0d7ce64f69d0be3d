"""Finds out whether a database address gives a connection one server session, or another one for each transaction.

Owns the experiment. The service steps down to its role and bounds every wait when a session begins, and prepares its
statements once: behind a pool of transactions all of it is lost, or falls to somebody else.
"""

import asyncio
import contextlib
from typing import Final

import asyncpg

from service.postgres.neutral import NEUTRAL
from service.postgres.queries import load

QUERIES = load(__package__, "database.sql")
ROUNDS: Final = 3
"""A pool that takes turns may give the same server process twice by accident."""
CLOSE_S_MAX: Final = 1.0
LOST: Final = (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError)
"""Raised where a statement was prepared in another session than the one that now works, or in this one by somebody else."""


async def sessions_last(database_url: str, *, within_s: float) -> bool:
    """Whether each of two connections keeps a server process of its own, also while the other one works.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be found out.
    """
    async with asyncio.timeout(within_s):
        one = await asyncpg.connect(database_url)
        try:
            other = await asyncpg.connect(database_url)
            try:
                return await _are_apart(one, other)
            except LOST:
                return False
            finally:
                await _close(other)
        finally:
            await _close(one)


async def _close(connection: asyncpg.Connection) -> None:
    """Close in good order, so that the next connection of the start finds its place free; or else at once."""
    with contextlib.suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=CLOSE_S_MAX)


async def _are_apart(one: asyncpg.Connection, other: asyncpg.Connection) -> bool:
    for connection in (one, other):
        await connection.execute(NEUTRAL)
    for _ in range(ROUNDS):
        # A pool of transactions hands the process that `one` has just worked on to `other`, or else another one to `one`.
        first = await one.fetchval(QUERIES.backend)
        async with other.transaction():
            if await other.fetchval(QUERIES.backend) == first:
                return False
            async with one.transaction():
                if await one.fetchval(QUERIES.backend) != first:
                    return False
    return True
