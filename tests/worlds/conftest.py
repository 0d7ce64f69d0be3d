"""Starts two services on two copies of one database. The database contains `FAMILIES` families, one for each pair of runs."""

import asyncio
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal

from service.settings import Settings
from tests.conftest import execute, named
from tests.service.conftest import running
from tests.service.webhooks.receiving import Frame, receiving
from tests.worlds.copied_families import Founding
from tests.worlds.pairs import Pairs
from tests.worlds.run import World
from tests.worlds.seeded import seeded, seeds_for
from tests.worlds.wire import Connection

FAMILIES = 60
WITH_WEBHOOKS_EVERY = 5
"""One family in five has webhooks. This is enough, because only one history in seven is compared at a webhook."""

LIMITS: Any = {
    "limit_push": 2.0, "limit_drafts": 30.0, "limit_read": 25.0, "limit_access": 8.0, "limit_strangers": 50.0,
}  # fmt: skip
"""The rate limits: so low that one history's requests reach them. If a held event used up a part of a limit, a test would fail.

The clock does not move within a step.
"""


@contextmanager
def _world(database_url: str, data: Path, frame: Frame) -> Iterator[World]:
    settings = Settings(
        database_url=database_url, data=str(data), pool=3, webhooks_anywhere=True, clips_gib_per_member=1, **LIMITS
    )
    with running(settings) as url:
        yield World(int(url.rpartition(":")[2]), seeds_for(database_url), frame)


@contextmanager
def _copies(postgres: str, original: str, count: int) -> Iterator[list[str]]:
    names = [f"t_{uuid.uuid4().hex}" for _ in range(count)]
    for name in names:
        asyncio.run(execute(postgres, f"CREATE DATABASE {name} TEMPLATE {original} STRATEGY file_copy"))
    try:
        yield names
    finally:
        for name in names:
            asyncio.run(execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def pairs(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    """Makes pairs of worlds, as many as are asked for.

    The fixture lasts for one test file and not for the session: other files need the real ids and salts, not the seeded ones.
    """
    with seeded(), ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        frame = stack.enter_context(portal.wrap_async_context_manager(receiving()))
        [original] = stack.enter_context(_copies(postgres, template, 1))
        data = tmp_path_factory.mktemp("worlds")
        with _world(named(postgres, original), data / original, frame) as world, closing(Connection(world.port)) as connection:
            founding = Founding(connection, world.seeds, frame)
            families = [founding.found(with_webhooks=number % WITH_WEBHOOKS_EVERY == 0) for number in range(FAMILIES)]
            founding.found_neighbours()

        @contextmanager
        def both() -> Iterator[tuple[World, World]]:
            with _copies(postgres, original, 2) as [first, second]:
                for copy in (first, second):
                    shutil.copytree(data / original, data / copy)
                with (
                    _world(named(postgres, first), data / first, frame) as alone,
                    _world(named(postgres, second), data / second, frame) as beside,
                ):
                    yield alone, beside

        yield stack.enter_context(Pairs(families, both))
