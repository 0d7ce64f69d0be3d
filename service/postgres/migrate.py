"""Applies the migrations that a database lacks.

Owns the folder and the order of the migrations. Knows nothing of their content. Uses the login of DATABASE_URL, which owns the
database. The service itself uses a role with fewer rights, which a migration creates.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pogo_core.util import migrate as pogo
from pogo_core.util import sql as pogo_sql

from service.postgres.neutral import NEUTRAL
from service.postgres.pool import Connection, close
from service.postgres.queries import load

# The folder is beside the packages, both in a checkout and in an installed wheel.
FOLDER = Path(__file__).parents[2] / "migrations"

QUERIES = load(__package__, "migrate.sql")
SCHEMA = "public"
# An arbitrary number for the advisory lock, so that two processes that start at once migrate one after the other.
LOCK = 7_236_041
CONNECT_S_MAX = 10.0

# The tool's own messages are dropped, because the caller reports the applied migrations.
_quiet = logging.getLogger("stillnew.migrate")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


async def migrate(database_url: str, *, folder: Path = FOLDER) -> list[str]:
    """Applies the missing migrations and returns their names, in order. A second run applies nothing.

    Each migration is one transaction: if a migration fails, the earlier migrations stay applied.

    Raises:
        pogo_core.error.BadMigrationError: a migration failed. The cause of the exception is the error of Postgres.
    """
    connection = await asyncpg.connect(database_url, timeout=CONNECT_S_MAX)
    try:
        await connection.execute(NEUTRAL)
        await connection.execute(QUERIES.lock, LOCK)
        await pogo_sql.ensure_pogo_sync(connection)
        before = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA)
        await pogo.apply(connection, folder, schema_name=SCHEMA, logger=_quiet)
        after = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA)
        return sorted(after - before)
    finally:
        await connection.close(timeout=CONNECT_S_MAX)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The differences between the migrations of a database and those of this release, in order."""

    missing: list[str]
    """The migrations of this release that were not applied."""
    unknown: list[str]
    """The applied migrations that this release does not contain: a newer release has used this database."""


async def pending(database_url: str, *, folder: Path = FOLDER) -> list[str]:
    """Returns the migrations of this release that the database lacks. Changes nothing."""
    connection = await asyncpg.connect(database_url, timeout=CONNECT_S_MAX, connection_class=Connection)
    try:
        await connection.execute(NEUTRAL)
        return (await compared(connection, folder=folder)).missing
    finally:
        await close(connection)


async def compared(connection: asyncpg.Connection, *, folder: Path = FOLDER) -> Compared:
    """Compares the applied migrations with those of this release. Changes nothing."""
    shipped = _shipped(folder)
    has_any = await connection.fetchval(QUERIES.has_any)
    applied = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA) if has_any else set()
    return Compared(missing=sorted(shipped - applied), unknown=sorted(applied - shipped))


def _shipped(folder: Path) -> set[str]:
    """Returns the names of the migrations of this release. Blocks shortly: the folder has a few files, and is read at start."""
    return {path.stem for path in folder.glob("*.sql")}
