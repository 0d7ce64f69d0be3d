"""The log of one process, and of a second one on the same database; and one whose clock a test sets."""

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
    """The log, as one process has it."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
async def other_log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """The same log, as another process has it."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["remembering", "forgetting"])
async def log_by_clock(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database_url: str, pool: asyncpg.Pool, clock: Clock
) -> AsyncIterator[Log]:
    """On a clock that the test sets; once as one process has it, and once as two that take every other push.

    Each of the two has to read afresh what the other has made of a family: nothing is remembered.
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
    """Law 11: whatever a test did, a replay of the log gives exactly the live rows."""
    yield
    assert (await replay(database_url, check=True, processes=1)).differences == ()
