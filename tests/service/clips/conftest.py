"""Provides the fixtures of the tests of clips: the log of one process, and a family with clips."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from events.ids import DeviceId
from service.log.log import Log
from tests.families import found, log_on
from tests.service.clips.family_clips import FamilyClips
from tests.service.clips.test_uploads import ADD_PERSON


@pytest.fixture
async def log(database_url: str, pool: asyncpg.Pool) -> AsyncIterator[Log]:
    """The log, as one process has it."""
    async with log_on(database_url, pool) as one:
        yield one


@pytest.fixture
async def clips(log: Log, pool: asyncpg.Pool, tmp_path: Path) -> FamilyClips:
    """A family whose clips are on one folder."""
    family, device = await found(log), DeviceId(uuid4())
    await pool.execute(ADD_PERSON, uuid4(), device, device.bytes * 2)
    return FamilyClips(pool, log, family, device, tmp_path)
