"""Fixtures of the tests of clips: the log of one process."""

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
