"""The log of one process, and of a second one on the same database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.log.log import Log
from tests.families import log_on


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
