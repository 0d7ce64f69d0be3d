"""Brings a database's tables up to this release.

Owns the order and the place of the migrations. Knows nothing of what they say. Runs as the owner
of the database, which is the login of DATABASE_URL; the service itself steps down to a role that
a migration makes.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pogo_core.util import migrate as pogo
from pogo_core.util import sql as pogo_sql

from service.postgres.neutral import NEUTRAL
from service.postgres.pool import Connection, close

# Beside the packages, in a checkout as in an installed wheel.
FOLDER = Path(__file__).parents[2] / "migrations"

SCHEMA = "public"
# Any number that nobody else takes: two processes that start at once migrate one after the other.
LOCK = 7_236_041
CONNECT_S_MAX = 10.0

# What was applied is returned, for the caller to say in its own words.
_quiet = logging.getLogger("stillnew.migrate")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


async def migrate(database_url: str, *, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing and name it, in order. Run twice, the second time applies nothing.

    Each migration is one transaction: a failed one leaves those before it, and nothing of itself.

    Raises:
        pogo_core.error.BadMigrationError: with Postgres' own refusal as its cause.
    """
    connection = await asyncpg.connect(database_url, timeout=CONNECT_S_MAX)
    try:
        await connection.execute(NEUTRAL)
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await pogo_sql.ensure_pogo_sync(connection)
        before = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA)
        await pogo.apply(connection, folder, schema_name=SCHEMA, logger=_quiet)
        after = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA)
        return sorted(after - before)
    finally:
        await connection.close(timeout=CONNECT_S_MAX)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How a database's migrations differ from this release's, both in order."""

    missing: list[str]
    """Of this release, and not applied."""
    unknown: list[str]
    """Applied, and not of this release: a newer one was here."""


async def pending(database_url: str, *, folder: Path = FOLDER) -> list[str]:
    """Name the migrations of this release that the database has not had, and change nothing."""
    connection = await asyncpg.connect(database_url, timeout=CONNECT_S_MAX, connection_class=Connection)
    try:
        await connection.execute(NEUTRAL)
        return (await compared(connection, folder=folder)).missing
    finally:
        await close(connection)


async def compared(connection: asyncpg.Connection, *, folder: Path = FOLDER) -> Compared:
    """Compare what was applied with what this release ships, and change nothing."""
    shipped = {path.stem for path in folder.glob("*.sql")}  # noqa: ASYNC240 - a folder of a few files, read at start
    has_any = await connection.fetchval("SELECT to_regclass('public._pogo_migration') IS NOT NULL")
    applied = await pogo_sql.get_applied_migrations(connection, schema_name=SCHEMA) if has_any else set()
    return Compared(missing=sorted(shipped - applied), unknown=sorted(applied - shipped))
