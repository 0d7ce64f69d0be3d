"""Two services on two copies of one database, in which as many families stand as a stretch of pairs needs.

Owns their start and their end.
"""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import pytest

from service.settings import Settings
from tests.conftest import execute, named
from tests.service.conftest import running
from tests.worlds.copied_families import Founding
from tests.worlds.frames import Cursors, Hall, hall
from tests.worlds.pairs import Pairs
from tests.worlds.running import World
from tests.worlds.seeded import seeded, seeds_for
from tests.worlds.wire import Wire

FAMILIES = 60
FRAMED_EVERY = 5
"""Of those families one has webhooks: somewhat more of them than of the histories that are listened to at a frame."""

LIMITS: Any = {
    "limit_push": 2.0, "limit_drafts": 30.0, "limit_read": 25.0, "limit_access": 5.0, "limit_strangers": 50.0,
}  # fmt: skip
"""Low enough to be met within a pair, so that what is left of them is seen. The clock stands still within a step."""


@contextmanager
def _world(database_url: str, frames: Hall) -> Iterator[World]:
    seeds = seeds_for(database_url)
    settings = Settings(database_url=database_url, pool=3, webhooks_anywhere=True, **LIMITS)
    with closing(Cursors(database_url)) as cursors, running(settings) as url:
        yield World(int(url.rpartition(":")[2]), seeds, frames, cursors)


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
def pairs(postgres: str, template: str) -> Iterator[Pairs]:
    """Pairs of worlds, as many as are asked for: when all families were used, both worlds begin anew.

    Not for the session: the seeds are for these services alone, and other files want the real ids and salts.
    """
    with seeded(), ExitStack() as stack:
        frames = stack.enter_context(hall())
        [village] = stack.enter_context(_copies(postgres, template, 1))
        with _world(named(postgres, village), frames) as founding:
            wire = Wire(founding.port)
            founder = Founding(wire, founding.seeds, frames)
            families = [founder.found(framed=number % FRAMED_EVERY == 0) for number in range(FAMILIES)]
            wire.close()

        @contextmanager
        def both() -> Iterator[tuple[World, World]]:
            with _copies(postgres, village, 2) as names, ExitStack() as opened:
                first, second = (opened.enter_context(_world(named(postgres, name), frames)) for name in names)
                yield first, second

        yield stack.enter_context(Pairs(families, both))
