"""Provides the log of one process, the log of a second process on the same database, and a log whose clock a test sets."""

from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any

import asyncpg
import pytest

from service.log.append_queue import Answer
from service.log.log import Log
from service.replay import replay
from tests.families import log_on
from tests.waiting import Clock


@pytest.fixture
async def log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """Starts a log, as a service process does."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
async def other_log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """Starts a second log on the same database, as another process does."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["remembering", "forgetting"])
async def log_by_clock(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database_url: str, pool: asyncpg.Pool, clock: Clock
) -> AsyncIterator[Log]:
    """Starts a log whose clock the test sets. Each test runs with one process, and with two that take the pushes in turn.

    With two processes, each finds that the other has written, and reads the family from the database again.
    """
    async with log_on(database_url, pool, now=clock) as one, log_on(database_url, pool, now=clock) as other:
        if request.param == "forgetting":
            turns = cycle((one.push, other.push))

            async def push(**asked: Any) -> Answer:
                return await next(turns)(**asked)

            monkeypatch.setattr(one, "push", push)
        yield one


@pytest.fixture
async def replayed(log_by_clock: Log, database_url: str) -> AsyncIterator[None]:
    """Checks law 11: after the test, a replay of the log gives exactly the live rows."""
    yield
    assert (await replay(database_url, check=True, processes=1)).differences == ()
